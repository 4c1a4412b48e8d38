package iam

import (
	"context"
	"strings"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// listShape is for operations that list the entities below a path.
var listShape = append(wire.Struct{wire.Opt("PathPrefix", path)}, paged()...)

type listInput struct {
	PathPrefix string
	pageInput
}

type listRolesOutput struct {
	Roles wire.XMLList[roleOutput]
	pageOutput
}

// listRoles lists the account's roles by name.
func (s *Service) listRoles(ctx context.Context, caller idpool.Caller, in listInput) (out listRolesOutput, err error) {
	if err := checkPrefix(in.PathPrefix); err != nil {
		return out, err
	}
	var list []idpool.Role
	err = s.Store.View(ctx, func(r idpool.Reader) error {
		held, err := r.Roles(ctx, caller.Account)
		list = list[:0]
		for _, r := range held {
			if strings.HasPrefix(r.Path, in.PathPrefix) {
				list = append(list, r)
			}
		}
		return err
	})
	if err != nil {
		return out, err
	}
	list, out.pageOutput, err = page(s, caller, in.pageInput, list, func(r idpool.Role) string { return idpool.FoldName(r.Name) }, "ListRoles", in.PathPrefix)
	for _, r := range list {
		out.Roles = append(out.Roles, listed(r))
	}
	return out, err
}
