package cognito

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var deleteIdentityPoolShape = wire.Struct{wire.Req("IdentityPoolId", poolID)}

// deleteIdentityPool hides a pool with everything in it at once; the rows of
// its identities go afterwards.
func (s *Service) deleteIdentityPool(ctx context.Context, caller idpool.Caller, in poolInput) (wire.Empty, error) {
	pool, err := s.ownPool(ctx, caller, in.IdentityPoolID)
	if err != nil {
		return wire.Empty{}, err
	}
	err = s.Store.Update(ctx, func(w idpool.Writer) error { return w.DeletePool(ctx, pool.ID) })
	if idpool.IsNotFound(err) {
		err = idpool.PoolNotFound(pool.ID)
	}
	if err != nil {
		return wire.Empty{}, err
	}
	s.Directory.PoolChanged(ctx, pool.Account, pool.ID)
	s.PoolDeleted()
	return wire.Empty{}, nil
}
