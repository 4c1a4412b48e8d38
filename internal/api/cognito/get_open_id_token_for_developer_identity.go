package cognito

import (
	"context"
	"maps"
	"time"
	"unicode/utf8"

	"idpool/internal/idpool"
	"idpool/internal/token"
	"idpool/internal/wire"
)

var getOpenIDTokenForDeveloperIdentityShape = wire.Struct{
	wire.Req("IdentityPoolId", poolID),
	wire.Opt("IdentityId", identityID),
	wire.Req("Logins", logins),
	wire.Opt("PrincipalTags", principalTags),
	wire.Opt("TokenDuration", wire.Long{Min: 1, Max: 86400}),
}

type getOpenIDTokenForDeveloperIdentityInput struct {
	IdentityPoolID string `json:"IdentityPoolId"`
	IdentityID     string `json:"IdentityId"`
	Logins         map[string]string
	PrincipalTags  map[string]string
	TokenDuration  int64 // seconds
}

// getOpenIDTokenForDeveloperIdentity hands a token for one of its users to the
// pool's own back end, which vouches for the user and need not prove a login.
// Other logins may come with it and are verified. Whether the pool allows the
// classic flow does not matter: a token is also how the enhanced flow of
// developer users begins (behaviour 2.11).
func (s *Service) getOpenIDTokenForDeveloperIdentity(ctx context.Context, caller idpool.Caller, in getOpenIDTokenForDeveloperIdentityInput) (getOpenIDTokenOutput, error) {
	pool, err := s.ownPool(ctx, caller, in.IdentityPoolID) // 1. the pool
	if err != nil {
		return getOpenIDTokenOutput{}, err
	}
	user, others, err := s.developerLogin(pool, in.Logins) // 2. the user, and the logins that must be proved
	if err != nil {
		return getOpenIDTokenOutput{}, err
	}
	verified, err := s.verify(ctx, pool, others)
	if err != nil {
		return getOpenIDTokenOutput{}, err
	}
	verified = append(verified, idpool.VerifiedLogin{Login: user, Detail: user.Provider + ":" + string(pool.ID) + ":" + user.Subject})
	now := s.now()
	identity, outcome, err := idpool.SignInDeveloper(ctx, s.Store, pool.Pool, idpool.IdentityID(in.IdentityID), user, idpool.Links(verified), // 3. the rule
		idpool.NewIdentityID(pool.ID.Region(), now), now)
	if err != nil {
		return getOpenIDTokenOutput{}, err
	}
	ev := wire.EventFrom(ctx)
	ev.Identity, ev.Outcome = identity.ID, string(outcome)
	openID := idpool.NewOpenID(pool.Pool, identity.ID, verified)
	if len(in.PrincipalTags) > 0 { // the back end's word counts more than a claim
		tags := maps.Clone(openID.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		maps.Copy(tags, in.PrincipalTags)
		openID.Tags = tags
	}
	ev.Tags = sortedKeys(openID.Tags)
	lifetime := token.DeveloperLifetime
	if in.TokenDuration > 0 {
		lifetime = time.Duration(in.TokenDuration) * time.Second
	}
	signed, err := s.Issuer.Sign(ctx, openID, lifetime) // 4. the token
	if err != nil {
		return getOpenIDTokenOutput{}, err
	}
	return getOpenIDTokenOutput{string(identity.ID), signed}, nil
}

// maxDeveloperUser is the longest developer user identifier, in characters. The
// service model says so everywhere but in a Logins map.
const maxDeveloperUser = 1024

// developerLogin takes the developer user out of a Logins map.
func (s *Service) developerLogin(pool *idpool.PoolConfig, logins map[string]string) (user idpool.Login, others map[string]string, err error) {
	text, ok := logins[pool.DeveloperProviderName]
	if !ok || pool.DeveloperProviderName == "" {
		for _, name := range sortedKeys(logins) {
			if !s.Logins.Serves(pool, name) { // meant as a developer provider
				_, err := pool.DeveloperUser(name, "")
				return idpool.Login{}, nil, err
			}
		}
		return idpool.Login{}, nil, idpool.Errorf(idpool.Invalid, "Please provide a valid developer provider")
	}
	if n := utf8.RuneCountInString(text); n > maxDeveloperUser {
		return idpool.Login{}, nil, idpool.Errorf(idpool.Invalid, "A developer user identifier can have at most %d characters, not %d.", maxDeveloperUser, n)
	}
	others = maps.Clone(logins)
	delete(others, pool.DeveloperProviderName)
	user, err = pool.DeveloperUser(pool.DeveloperProviderName, text)
	return user, others, err
}
