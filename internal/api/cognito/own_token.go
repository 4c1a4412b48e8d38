package cognito

import (
	"context"
	"errors"

	"idpool/internal/idpool"
	"idpool/internal/login"
	"idpool/internal/token"
	"idpool/internal/wire"
)

// ownToken finds a token of our own in a Logins map: it stands alone, under a
// key that is ours.
func ownToken(logins map[string]string) (text string, ok bool) {
	if len(logins) != 1 {
		return "", false
	}
	for name, text := range logins {
		if login.IsCognitoProvider(name) {
			return text, true
		}
	}
	return "", false
}

// resumeByOwnToken is [Service.resume] for somebody who brings a token of our
// own: a developer user, whose back end got it (behaviour 3.5).
func (s *Service) resumeByOwnToken(ctx context.Context, op, id, text string) (idpool.OpenID, *idpool.PoolConfig, error) {
	identity, pool, err := s.identity(ctx, idpool.IdentityID(id))
	if err == nil {
		err = s.Limits.Account(op, pool.Account)
	}
	if err != nil {
		return idpool.OpenID{}, nil, err
	}
	ev := wire.EventFrom(ctx)
	ev.Providers = []string{"our own"}
	openID, err := s.Issuer.Verify(ctx, text)
	if err != nil {
		return idpool.OpenID{}, nil, badOwnToken(err)
	}
	if err := idpool.ResumeByOpenID(pool.Pool, identity, openID); err != nil {
		return idpool.OpenID{}, nil, err
	}
	ev.Outcome = string(idpool.Found)
	return openID, pool, nil
}

// badOwnToken words the refusal of a token of our own as that of any login
// token (behaviour 4.3).
func badOwnToken(err error) error {
	expired, isExpired := errors.AsType[token.Expired](err)
	switch kind := idpool.KindOf(err); {
	case isExpired:
		return login.Invalid(err, "Token expired: %d >= %d", expired.Now, expired.Expiry)
	case errors.Is(err, token.ErrMalformed):
		return login.Invalid(err, "Not a valid OpenId Connect identity token.")
	case errors.Is(err, token.ErrForeign):
		return login.Invalid(err, "Issuer doesn't match providerName")
	case kind == idpool.InvalidToken:
		return login.Invalid(err, "Couldn't verify signed token.")
	}
	return err
}
