package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var userShape = wire.Struct{wire.Req("UserName", userName)}

// deleteUser deletes a user who has no keys and no policies any more.
func (s *Service) deleteUser(ctx context.Context, caller idpool.Caller, in userInput) (wire.Empty, error) {
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		u, err := user(ctx, w, caller, in.UserName)
		if err != nil {
			return err
		}
		keys, err := keysOf(ctx, w, caller.Account, u.Name)
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			return idpool.Errorf(idpool.Conflict, "Cannot delete entity, must delete access keys first.")
		}
		if err := userHolder(u).free(u.Grants); err != nil {
			return err
		}
		return w.DeleteUser(ctx, caller.Account, u.Name)
	})
	if err == nil {
		s.Broker.PrincipalsChanged(caller.Account)
	}
	return wire.Empty{}, err
}
