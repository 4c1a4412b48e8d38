package cognito

import (
	"context"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/login"
	"idpool/internal/wire"
)

var unlinkIdentityShape = wire.Struct{
	wire.Req("IdentityId", identityID),
	wire.Req("Logins", logins),
	wire.Req("LoginsToRemove", wire.List{Of: providerName}),
}

type unlinkIdentityInput struct {
	IdentityID     string `json:"IdentityId"`
	Logins         map[string]string
	LoginsToRemove []string
}

// unlinkIdentity takes logins away from an identity, for somebody who proves
// at least one of its logins.
func (s *Service) unlinkIdentity(ctx context.Context, in unlinkIdentityInput) (wire.Empty, error) {
	identity, pool, err := s.identity(ctx, idpool.IdentityID(in.IdentityID))
	if err != nil {
		return wire.Empty{}, err
	}
	if err := s.Limits.Account("UnlinkIdentity", pool.Account); err != nil {
		return wire.Empty{}, err
	}
	verified, err := s.verify(ctx, pool, in.Logins)
	if err != nil {
		return wire.Empty{}, err
	}
	remove := slices.Clone(in.LoginsToRemove)
	for _, name := range in.LoginsToRemove { // by either name
		remove = append(remove, login.KeptAs(name))
	}
	_, outcome, err := idpool.Unlink(ctx, s.Store, pool.Pool, identity.ID, idpool.Links(verified), remove, s.now())
	if err == nil {
		wire.EventFrom(ctx).Outcome = string(outcome)
	}
	return wire.Empty{}, err
}
