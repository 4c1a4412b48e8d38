package iam

import (
	"cmp"
	"context"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var createRoleShape = wire.Struct{
	wire.Opt("Path", path),
	wire.Req("RoleName", roleName),
	wire.Req("AssumeRolePolicyDocument", policyDocument),
	wire.Opt("Description", description),
	wire.Opt("MaxSessionDuration", sessionTime),
	wire.Opt("PermissionsBoundary", arn),
	wire.Opt("Tags", tags),
}

type createRoleInput struct {
	Path                     string
	RoleName                 string
	AssumeRolePolicyDocument string
	Description              string
	MaxSessionDuration       int
	PermissionsBoundary      string
	Tags                     []tag
}

type createRoleOutput struct{ Role roleOutput }

const defaultSessionTime = 3600

func (s *Service) createRole(ctx context.Context, caller idpool.Caller, in createRoleInput) (createRoleOutput, error) {
	if in.MaxSessionDuration == 0 {
		in.MaxSessionDuration = defaultSessionTime
	}
	path, pathErr := checkPath("path", in.Path)
	tags, tagsErr := tagSet(in.Tags)
	if err := cmp.Or(checkName("roleName", in.RoleName), pathErr, noBoundary(in.PermissionsBoundary), checkTrust(in.AssumeRolePolicyDocument), tagsErr); err != nil {
		return createRoleOutput{}, err
	}
	fresh := idpool.Role{
		Account: caller.Account, Name: in.RoleName, Path: path, ID: newID("AROA"), Description: in.Description, Trust: in.AssumeRolePolicyDocument,
		MaxSession: time.Duration(in.MaxSessionDuration) * time.Second, Tags: tags, Created: s.moment(),
	}
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		held, err := w.Roles(ctx, caller.Account)
		if err != nil {
			return err
		}
		for _, r := range held {
			if idpool.FoldName(r.Name) == idpool.FoldName(fresh.Name) {
				return idpool.Errorf(idpool.Exists, "Role with name %s already exists.", fresh.Name)
			}
		}
		if len(held) >= maxRoles {
			return quota("RolesPerAccount", maxRoles)
		}
		return w.PutRole(ctx, fresh)
	})
	if err != nil {
		return createRoleOutput{}, err
	}
	s.Broker.PrincipalsChanged(caller.Account)
	return createRoleOutput{created(fresh)}, nil
}

// noBoundary refuses permissions boundaries: to take one and not apply it would
// allow more than was asked for.
func noBoundary(arn string) error {
	if arn == "" {
		return nil
	}
	return idpool.Errorf(idpool.Invalid, "This version of idpool does not support permissions boundaries.")
}
