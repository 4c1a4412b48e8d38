package cognito

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var getIdentityPoolRolesShape = wire.Struct{wire.Req("IdentityPoolId", poolID)}

type getIdentityPoolRolesOutput struct {
	IdentityPoolID string                     `json:"IdentityPoolId"`
	Roles          map[idpool.RoleType]string `json:",omitzero"` // absent if never set
}

func (s *Service) getIdentityPoolRoles(ctx context.Context, caller idpool.Caller, in poolInput) (getIdentityPoolRolesOutput, error) {
	pool, err := s.ownPool(ctx, caller, in.IdentityPoolID)
	if err != nil {
		return getIdentityPoolRolesOutput{}, err
	}
	return getIdentityPoolRolesOutput{IdentityPoolID: string(pool.ID), Roles: pool.Roles}, nil
}
