package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// deleteRole deletes a role that has no policies any more. Pools that name it
// keep its ARN; nobody can become it.
func (s *Service) deleteRole(ctx context.Context, caller idpool.Caller, in roleInput) (wire.Empty, error) {
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		r, err := role(ctx, w, caller, in.RoleName)
		if err == nil {
			err = roleHolder(r).free(r.Grants)
		}
		if err != nil {
			return err
		}
		return w.DeleteRole(ctx, caller.Account, r.Name)
	})
	if err == nil {
		s.Broker.PrincipalsChanged(caller.Account)
	}
	return wire.Empty{}, err
}
