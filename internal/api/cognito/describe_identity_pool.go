package cognito

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var describeIdentityPoolShape = wire.Struct{wire.Req("IdentityPoolId", poolID)}

type poolInput struct {
	IdentityPoolID string `json:"IdentityPoolId"`
}

func (s *Service) describeIdentityPool(ctx context.Context, caller idpool.Caller, in poolInput) (poolDescription, error) {
	pool, err := s.ownPool(ctx, caller, in.IdentityPoolID)
	if err != nil {
		return poolDescription{}, err
	}
	return describe(pool.Pool), nil
}
