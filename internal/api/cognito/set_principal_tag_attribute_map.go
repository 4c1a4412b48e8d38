package cognito

import (
	"context"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var setPrincipalTagAttributeMapShape = wire.Struct{
	wire.Req("IdentityPoolId", poolID),
	wire.Req("IdentityProviderName", providerName),
	wire.Opt("UseDefaults", wire.Bool{}),
	wire.Opt("PrincipalTags", principalTags),
}

type setPrincipalTagAttributeMapInput struct {
	IdentityPoolID       string `json:"IdentityPoolId"`
	IdentityProviderName string
	UseDefaults          bool
	PrincipalTags        map[string]string
}

// setPrincipalTagAttributeMap replaces the attribute map of a provider.
func (s *Service) setPrincipalTagAttributeMap(ctx context.Context, caller idpool.Caller, in setPrincipalTagAttributeMapInput) (attributeMap, error) {
	_, err := s.changePool(ctx, caller, in.IdentityPoolID, func(p *idpool.Pool) error {
		if !slices.Contains(p.AttributeMapKeys(), in.IdentityProviderName) {
			return idpool.Errorf(idpool.Invalid, "(%s) is not a configured provider.", in.IdentityProviderName)
		}
		if p.AttributeMaps == nil {
			p.AttributeMaps = map[string]idpool.AttributeMap{}
		}
		p.AttributeMaps[in.IdentityProviderName] = idpool.AttributeMap{UseDefaults: in.UseDefaults, Tags: in.PrincipalTags}
		return nil
	})
	if err != nil {
		return attributeMap{}, err
	}
	return attributeMap{in.IdentityPoolID, in.IdentityProviderName, in.PrincipalTags, in.UseDefaults}, nil
}
