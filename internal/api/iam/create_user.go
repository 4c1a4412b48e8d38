package iam

import (
	"cmp"
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var createUserShape = wire.Struct{
	wire.Opt("Path", path),
	wire.Req("UserName", newUserName),
	wire.Opt("PermissionsBoundary", arn),
	wire.Opt("Tags", tags),
}

type createUserInput struct {
	Path                string
	UserName            string
	PermissionsBoundary string
	Tags                []tag
}

type createUserOutput struct{ User userOutput }

func (s *Service) createUser(ctx context.Context, caller idpool.Caller, in createUserInput) (createUserOutput, error) {
	path, pathErr := checkPath("path", in.Path)
	tags, tagsErr := tagSet(in.Tags)
	if err := cmp.Or(checkName("userName", in.UserName), pathErr, noBoundary(in.PermissionsBoundary), tagsErr); err != nil {
		return createUserOutput{}, err
	}
	fresh := idpool.User{Account: caller.Account, Name: in.UserName, Path: path, ID: newID("AIDA"), Tags: tags, Created: s.moment()}
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		held, err := w.Users(ctx, caller.Account)
		if err != nil {
			return err
		}
		for _, u := range held {
			if idpool.FoldName(u.Name) == idpool.FoldName(fresh.Name) {
				return userExists(fresh.Name)
			}
		}
		if len(held) >= maxUsers {
			return quota("UsersPerAccount", maxUsers)
		}
		return w.PutUser(ctx, fresh)
	})
	if err != nil {
		return createUserOutput{}, err
	}
	s.Broker.PrincipalsChanged(caller.Account)
	return createUserOutput{describeUser(fresh)}, nil
}

func userExists(name string) error {
	return idpool.Errorf(idpool.Exists, "User with name %s already exists.", name)
}
