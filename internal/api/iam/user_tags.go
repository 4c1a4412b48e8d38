package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// The tags of users.

var (
	tagUserShape   = wire.Struct{wire.Req("UserName", userName), wire.Req("Tags", tags)}
	untagUserShape = wire.Struct{wire.Req("UserName", userName), wire.Req("TagKeys", tagKeys)}
)

type (
	tagUserInput struct {
		UserName string
		Tags     []tag
	}
	untagUserInput struct {
		UserName string
		TagKeys  []string
	}
)

func (s *Service) tagUser(ctx context.Context, caller idpool.Caller, in tagUserInput) (wire.Empty, error) {
	_, err := s.changeUser(ctx, caller, in.UserName, func(_ idpool.Writer, u *idpool.User) error { return addTags(&u.Tags, in.Tags) })
	return wire.Empty{}, err
}

func (s *Service) untagUser(ctx context.Context, caller idpool.Caller, in untagUserInput) (wire.Empty, error) {
	_, err := s.changeUser(ctx, caller, in.UserName, func(_ idpool.Writer, u *idpool.User) error {
		removeTags(u.Tags, in.TagKeys)
		return nil
	})
	return wire.Empty{}, err
}

func (s *Service) listUserTags(ctx context.Context, caller idpool.Caller, in pagedUserInput) (tagsOutput, error) {
	u, err := s.viewUser(ctx, caller, in.UserName)
	if err != nil {
		return tagsOutput{}, err
	}
	return s.pageTags(caller, in.pageInput, u.Tags, "ListUserTags", u.ID)
}
