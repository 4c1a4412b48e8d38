package cognito

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var setIdentityPoolRolesShape = wire.Struct{
	wire.Req("IdentityPoolId", poolID),
	wire.Req("Roles", roles),
	wire.Opt("RoleMappings", roleMappings),
}

type setIdentityPoolRolesInput struct {
	IdentityPoolID string `json:"IdentityPoolId"`
	Roles          map[idpool.RoleType]string
	RoleMappings   map[string]any
}

// setIdentityPoolRoles replaces a pool's roles: one that is not named is gone.
func (s *Service) setIdentityPoolRoles(ctx context.Context, caller idpool.Caller, in setIdentityPoolRolesInput) (wire.Empty, error) {
	if len(in.RoleMappings) > 0 {
		return wire.Empty{}, idpool.Errorf(idpool.Invalid, "This version of idpool does not support RoleMappings.")
	}
	for _, kind := range sortedKeys(in.Roles) {
		if err := s.Broker.CheckRole(ctx, caller.Account, in.Roles[kind]); err != nil {
			return wire.Empty{}, err
		}
	}
	_, err := s.changePool(ctx, caller, in.IdentityPoolID, func(p *idpool.Pool) error {
		p.Roles = in.Roles
		return nil
	})
	return wire.Empty{}, err
}
