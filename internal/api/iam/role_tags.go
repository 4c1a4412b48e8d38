package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// The tags of roles.

var (
	tagRoleShape   = wire.Struct{wire.Req("RoleName", roleName), wire.Req("Tags", tags)}
	untagRoleShape = wire.Struct{wire.Req("RoleName", roleName), wire.Req("TagKeys", tagKeys)}
)

type (
	tagRoleInput struct {
		RoleName string
		Tags     []tag
	}
	untagRoleInput struct {
		RoleName string
		TagKeys  []string
	}
)

func (s *Service) tagRole(ctx context.Context, caller idpool.Caller, in tagRoleInput) (wire.Empty, error) {
	_, err := s.changeRole(ctx, caller, in.RoleName, func(_ idpool.Writer, r *idpool.Role) error { return addTags(&r.Tags, in.Tags) })
	return wire.Empty{}, err
}

func (s *Service) untagRole(ctx context.Context, caller idpool.Caller, in untagRoleInput) (wire.Empty, error) {
	_, err := s.changeRole(ctx, caller, in.RoleName, func(_ idpool.Writer, r *idpool.Role) error {
		removeTags(r.Tags, in.TagKeys)
		return nil
	})
	return wire.Empty{}, err
}

func (s *Service) listRoleTags(ctx context.Context, caller idpool.Caller, in pagedRoleInput) (tagsOutput, error) {
	r, err := s.viewRole(ctx, caller, in.RoleName)
	if err != nil {
		return tagsOutput{}, err
	}
	return s.pageTags(caller, in.pageInput, r.Tags, "ListRoleTags", r.ID)
}
