package cognito

import (
	"context"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var deleteIdentitiesShape = wire.Struct{
	wire.Req("IdentityIdsToDelete", wire.List{Min: 1, Max: 60, Of: identityID}),
}

type deleteIdentitiesInput struct {
	IdentityIDsToDelete []string `json:"IdentityIdsToDelete"`
}

type deleteIdentitiesOutput struct {
	UnprocessedIdentityIDs []unprocessedIdentity `json:"UnprocessedIdentityIds"`
}

type unprocessedIdentity struct {
	ErrorCode  string
	IdentityID string `json:"IdentityId"`
}

// deleteIdentities deletes identities of any of the caller's pools. What
// cannot be deleted is listed in the answer; an ID that does not exist counts
// as deleted (behaviour 2.3).
func (s *Service) deleteIdentities(ctx context.Context, caller idpool.Caller, in deleteIdentitiesInput) (deleteIdentitiesOutput, error) {
	out := deleteIdentitiesOutput{UnprocessedIdentityIDs: []unprocessedIdentity{}}
	refuse := func(id, code string) {
		out.UnprocessedIdentityIDs = append(out.UnprocessedIdentityIDs, unprocessedIdentity{code, id})
	}
	ids := slices.Compact(slices.Sorted(slices.Values(in.IdentityIDsToDelete)))
	var own []string
	for _, id := range ids {
		_, pool, err := s.identity(ctx, idpool.IdentityID(id))
		switch {
		case idpool.IsNotFound(err):
		case err != nil:
			wire.EventFrom(ctx).Cause = err
			refuse(id, "InternalServerError")
		case pool.Account != caller.Account:
			refuse(id, "AccessDenied")
		case pool.ID.Region() == caller.Region:
			own = append(own, id)
		}
	}
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		for _, id := range own {
			if err := w.DeleteIdentity(ctx, idpool.IdentityID(id)); err != nil && !idpool.IsNotFound(err) {
				return err
			}
		}
		return nil
	})
	if err != nil { // one transaction: none of them is deleted
		wire.EventFrom(ctx).Cause = err
		for _, id := range own {
			refuse(id, "InternalServerError")
		}
	}
	return out, nil
}
