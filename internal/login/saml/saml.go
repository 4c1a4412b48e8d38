// Package saml verifies SAML responses as logins (behaviour 4.4).
//
//	provider of the pool ─► metadata ─► package internal/saml ─► roles, session name ─► idpool.VerifiedLogin
//
// The provider's name in a Logins map is its ARN, and the token the response in
// base64, as the browser posts it. An application shows the same response more
// than once, first for an ID and then for credentials: within its few minutes it
// can be used again, and always leads to the same identity.
package saml

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/login"
	responses "idpool/internal/saml"
)

// Verifier is the kind of provider that makes SAML responses. It is safe for
// concurrent use.
type Verifier struct {
	Store     idpool.Store // of the metadata: too large to stand in the configuration of every pool
	Responses *responses.Verifier
}

var _ login.Verifier = Verifier{}

// Serves implements login.Verifier.
func (v Verifier) Serves(pool *idpool.PoolConfig, name string) bool {
	return slices.Contains(pool.SAMLProviderARNs, name)
}

// The attributes that the default principal tags are made of (behaviour 6.6).
const (
	nameIdentifier = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
	personName     = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
)

// Verify implements login.Verifier. Every refusal is of kind NotAuthorized, has
// the hosted service's one text for all that can be wrong with a response, and
// carries a *login.Refusal. A provider that the pool names and that does not
// exist is as good as one that it does not name.
func (v Verifier) Verify(ctx context.Context, pool *idpool.PoolConfig, p login.Presented) (idpool.VerifiedLogin, error) {
	var provider idpool.SAMLProvider
	err := v.Store.View(ctx, func(r idpool.Reader) (err error) {
		provider, err = idpool.SAMLProviderByARN(ctx, r, pool.Account, p.Provider)
		return err
	})
	if idpool.IsNotFound(err) {
		err = login.Unsupported(&login.Refusal{Provider: p.Provider, Check: "provider", Expected: "a SAML provider of IAM", Got: "none of this ARN"})
	}
	if err != nil {
		return idpool.VerifiedLogin{}, err
	}
	a, err := v.Responses.Verify(provider.Metadata, p.Token.Reveal())
	if why, ok := errors.AsType[*responses.Refusal](err); ok {
		return idpool.VerifiedLogin{}, refused(&login.Refusal{Provider: p.Provider, Check: why.Check, Expected: why.Expected, Got: why.Got, Cause: why.Cause})
	}
	if _, err := a.SessionName(); err != nil { // it is not used, and must be there as at the STS
		return idpool.VerifiedLogin{}, refused(&login.Refusal{Provider: p.Provider, Check: "attributes", Cause: err})
	}
	roles := a.Roles(p.Provider)
	if len(roles) == 0 {
		return idpool.VerifiedLogin{}, refused(&login.Refusal{Provider: p.Provider, Check: "attributes", Expected: "a Role with this provider",
			Got: fmt.Sprintf("%d of others", len(a.Attributes[responses.RoleAttribute]))})
	}
	out := idpool.VerifiedLogin{
		Login:      idpool.Login{Provider: p.Provider, Subject: a.Subject.Value},
		Detail:     p.Provider + ":SAML:" + a.Subject.Value,
		MappingKey: p.Provider, TagsKey: p.Provider, Client: a.Audience,
		DefaultTags:  map[string]string{},
		OfferedRoles: roles, ProviderChooses: true,
		Claims: idpool.Claims{},
	}
	for tag, name := range map[string]string{"username": nameIdentifier, "client": personName} {
		if values := a.Attributes[name]; len(values) == 1 && values[0] != "" {
			out.DefaultTags[tag] = values[0]
		}
	}
	for name, values := range a.Attributes {
		claim := make([]any, len(values))
		for i, value := range values {
			claim[i] = value
		}
		out.Claims[name] = claim
	}
	return out, nil
}

// refused is the refusal of a response.
func refused(why *login.Refusal) error {
	return idpool.Errorf(idpool.NotAuthorized, "Invalid base64 SAMLResponse").Because(why)
}
