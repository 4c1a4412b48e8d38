package cognito

import (
	"context"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var describeIdentityShape = wire.Struct{wire.Req("IdentityId", identityID)}

type identityInput struct {
	IdentityID string `json:"IdentityId"`
}

// identityDescription is an identity as clients see it: provider names only,
// and none at all for a guest (behaviour 2.5).
type identityDescription struct {
	IdentityID       string   `json:"IdentityId"`
	Logins           []string `json:",omitempty"`
	CreationDate     wire.Time
	LastModifiedDate wire.Time
}

func describeOne(i idpool.Identity) identityDescription {
	d := identityDescription{IdentityID: string(i.ID), CreationDate: wire.Time(i.Created), LastModifiedDate: wire.Time(i.Modified)}
	for _, l := range i.Logins {
		d.Logins = append(d.Logins, l.Provider)
	}
	d.Logins = slices.Compact(d.Logins) // sorted; several developer users have one name
	return d
}

func (s *Service) describeIdentity(ctx context.Context, caller idpool.Caller, in identityInput) (identityDescription, error) {
	identity, _, err := s.ownIdentity(ctx, caller, in.IdentityID)
	if err != nil {
		return identityDescription{}, err
	}
	return describeOne(identity), nil
}
