package cognito

import (
	"context"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var getIDShape = wire.Struct{
	wire.Opt("AccountId", accountID),
	wire.Req("IdentityPoolId", poolID),
	wire.Opt("Logins", logins),
}

type getIDInput struct {
	IdentityPoolID string `json:"IdentityPoolId"`
	Logins         map[string]string
}

type getIDOutput struct {
	IdentityID string `json:"IdentityId"`
}

// AppendJSON implements wire.Appender.
func (o getIDOutput) AppendJSON(b []byte) []byte {
	b = append(slices.Grow(b, len(o.IdentityID)+32), `{"IdentityId":`...)
	return append(wire.AppendText(b, o.IdentityID), '}')
}

// getID finds or makes the identity of whoever the logins prove; without any
// it makes a guest, a new one each time. AccountId is not looked at.
func (s *Service) getID(ctx context.Context, in getIDInput) (getIDOutput, error) {
	pool, err := s.pool(ctx, idpool.PoolID(in.IdentityPoolID)) // 1. the pool
	if err != nil {
		return getIDOutput{}, err
	}
	ev := wire.EventFrom(ctx)
	if err := s.Limits.Account("GetId", pool.Account); err != nil {
		return getIDOutput{}, err
	}
	verified, err := s.verify(ctx, pool, in.Logins) // 2. what the caller proved
	if err != nil {
		return getIDOutput{}, err
	}
	if len(verified) == 0 && pool.AllowUnauthenticated { // each guest is a row in the store
		if err := s.Limits.Guest(pool.ID, ev.Client()); err != nil {
			return getIDOutput{}, err
		}
	}
	now := s.now()
	identity, outcome, err := idpool.SignIn(ctx, s.Store, pool.Pool, idpool.Links(verified), // 3. the rule
		idpool.NewIdentityID(pool.ID.Region(), now), now)
	if err != nil {
		return getIDOutput{}, err
	}
	ev.Identity, ev.Outcome = identity.ID, string(outcome)
	return getIDOutput{string(identity.ID)}, nil
}
