package cognito

import (
	"context"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var getPrincipalTagAttributeMapShape = wire.Struct{
	wire.Req("IdentityPoolId", poolID),
	wire.Req("IdentityProviderName", providerName),
}

type getPrincipalTagAttributeMapInput struct {
	IdentityPoolID       string `json:"IdentityPoolId"`
	IdentityProviderName string
}

// attributeMap is what both operations of attribute maps answer.
type attributeMap struct {
	IdentityPoolID       string `json:"IdentityPoolId"`
	IdentityProviderName string
	PrincipalTags        map[string]string
	UseDefaults          bool
}

// getPrincipalTagAttributeMap shows which claims of a provider become principal
// tags. A provider of the pool that has no map makes no tags.
func (s *Service) getPrincipalTagAttributeMap(ctx context.Context, caller idpool.Caller, in getPrincipalTagAttributeMapInput) (attributeMap, error) {
	pool, err := s.ownPool(ctx, caller, in.IdentityPoolID)
	if err != nil {
		return attributeMap{}, err
	}
	m, ok := pool.AttributeMaps[in.IdentityProviderName]
	if !ok && !slices.Contains(pool.AttributeMapKeys(), in.IdentityProviderName) {
		return attributeMap{}, idpool.Errorf(idpool.NotFound, "(%s) is not a configured provider.", in.IdentityProviderName)
	}
	return attributeMap{in.IdentityPoolID, in.IdentityProviderName, m.Tags, m.UseDefaults}, nil
}
