package cognito

import (
	"context"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/token"
	"idpool/internal/wire"
)

var getOpenIDTokenShape = wire.Struct{
	wire.Req("IdentityId", identityID),
	wire.Opt("Logins", logins),
}

type getOpenIDTokenInput struct {
	IdentityID string `json:"IdentityId"`
	Logins     map[string]string
}

type getOpenIDTokenOutput struct {
	IdentityID string `json:"IdentityId"`
	Token      string
}

// getOpenIDToken hands out a token to take to an STS: the classic flow. It
// works unless the pool says no; never having said anything is a yes
// (behaviour 6.2).
func (s *Service) getOpenIDToken(ctx context.Context, in getOpenIDTokenInput) (getOpenIDTokenOutput, error) {
	identity, pool, verified, err := s.resume(ctx, "GetOpenIdToken", in.IdentityID, in.Logins, func(p *idpool.PoolConfig) error {
		switch {
		case p.AllowClassicFlow != nil && !*p.AllowClassicFlow:
			return idpool.Errorf(idpool.Invalid, "Basic (classic) flow is not enabled, please use enhanced flow.")
		case slices.ContainsFunc(p.SAMLProviderARNs, func(arn string) bool { _, shown := in.Logins[arn]; return shown }): // the assertion chooses the role
			return idpool.Errorf(idpool.Invalid, "Basic (classic) flow is not supported with SAML providers, please use enhanced flow.")
		case len(p.RoleMappings) > 0: // whoever takes the token to an STS chooses the role
			return idpool.Errorf(idpool.Invalid, "Basic (classic) flow is not supported with RoleMappings, please use enhanced flow.")
		}
		return nil
	})
	if err != nil {
		return getOpenIDTokenOutput{}, err
	}
	openID := idpool.NewOpenID(pool.Pool, identity.ID, verified)
	wire.EventFrom(ctx).Tags = sortedKeys(openID.Tags)
	signed, err := s.Issuer.Sign(ctx, openID, token.Lifetime)
	if err != nil {
		return getOpenIDTokenOutput{}, err
	}
	return getOpenIDTokenOutput{string(identity.ID), signed}, nil
}
