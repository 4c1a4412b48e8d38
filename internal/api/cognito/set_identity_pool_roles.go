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
	RoleMappings   map[string]roleMapping
}

type roleMapping struct {
	AmbiguousRoleResolution idpool.AmbiguousRole `json:",omitempty"`
	RulesConfiguration      *rulesConfiguration  `json:",omitempty"`
	Type                    idpool.MappingType
}

type rulesConfiguration struct {
	Rules []mappingRule
}

type mappingRule struct {
	Claim     string
	MatchType idpool.MatchType
	RoleARN   string
	Value     string
}

func (m roleMapping) domain() idpool.RoleMapping {
	out := idpool.RoleMapping{Type: m.Type, Ambiguous: m.AmbiguousRoleResolution}
	if m.RulesConfiguration != nil {
		for _, r := range m.RulesConfiguration.Rules {
			out.Rules = append(out.Rules, idpool.MappingRule{Claim: r.Claim, Match: r.MatchType, Value: r.Value, Role: r.RoleARN})
		}
	}
	return out
}

// setIdentityPoolRoles replaces a pool's roles and role mappings: what is not
// named is gone.
func (s *Service) setIdentityPoolRoles(ctx context.Context, caller idpool.Caller, in setIdentityPoolRolesInput) (wire.Empty, error) {
	var named []string // roles, in a fixed order
	for _, kind := range sortedKeys(in.Roles) {
		named = append(named, in.Roles[kind])
	}
	mappings := map[string]idpool.RoleMapping{}
	for _, key := range sortedKeys(in.RoleMappings) {
		mappings[key] = in.RoleMappings[key].domain()
		for _, rule := range mappings[key].Rules {
			named = append(named, rule.Role)
		}
	}
	if _, err := s.ownPool(ctx, caller, in.IdentityPoolID); err != nil {
		return wire.Empty{}, err
	}
	for _, arn := range named {
		check := s.Broker.CheckRole
		if s.Upstreams.For(arn) != nil {
			check = s.Broker.MayPass // whether it exists is for its own STS to know
		}
		if err := check(ctx, caller, arn); err != nil {
			return wire.Empty{}, err
		}
	}
	_, err := s.changePool(ctx, caller, in.IdentityPoolID, func(p *idpool.Pool) error {
		p.Roles, p.RoleMappings = in.Roles, mappings
		return idpool.CheckRoleMappings(*p, mappings, s.Limits.Rules)
	})
	return wire.Empty{}, err
}
