package cognito

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var getIdentityPoolRolesShape = wire.Struct{wire.Req("IdentityPoolId", poolID)}

type getIdentityPoolRolesOutput struct {
	IdentityPoolID string                     `json:"IdentityPoolId"`
	RoleMappings   map[string]roleMapping     `json:",omitempty"`
	Roles          map[idpool.RoleType]string `json:",omitzero"` // absent if never set
}

func (s *Service) getIdentityPoolRoles(ctx context.Context, caller idpool.Caller, in poolInput) (getIdentityPoolRolesOutput, error) {
	pool, err := s.ownPool(ctx, caller, in.IdentityPoolID)
	if err != nil {
		return getIdentityPoolRolesOutput{}, err
	}
	out := getIdentityPoolRolesOutput{IdentityPoolID: string(pool.ID), Roles: pool.Roles, RoleMappings: map[string]roleMapping{}}
	for key, m := range pool.RoleMappings {
		out.RoleMappings[key] = describeMapping(m)
	}
	return out, nil
}

func describeMapping(m idpool.RoleMapping) roleMapping {
	out := roleMapping{Type: m.Type, AmbiguousRoleResolution: m.Ambiguous}
	if m.Type == idpool.RulesMapping {
		out.RulesConfiguration = &rulesConfiguration{Rules: []mappingRule{}}
		for _, r := range m.Rules {
			out.RulesConfiguration.Rules = append(out.RulesConfiguration.Rules, mappingRule{Claim: r.Claim, MatchType: r.Match, RoleARN: r.Role, Value: r.Value})
		}
	}
	return out
}
