package iam

import (
	"cmp"
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var updateUserShape = wire.Struct{
	wire.Req("UserName", userName),
	wire.Opt("NewPath", path),
	wire.Opt("NewUserName", newUserName),
}

type updateUserInput struct{ UserName, NewPath, NewUserName string }

// updateUser renames or moves a user, who keeps ID, policies and keys.
func (s *Service) updateUser(ctx context.Context, caller idpool.Caller, in updateUserInput) (wire.Empty, error) {
	if in.NewUserName != "" {
		if err := checkName("newUserName", in.NewUserName); err != nil {
			return wire.Empty{}, err
		}
	}
	if _, err := checkPath("newPath", in.NewPath); err != nil {
		return wire.Empty{}, err
	}
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		before, err := user(ctx, w, caller, in.UserName)
		if err != nil {
			return err
		}
		after := moved(before, in.NewUserName, in.NewPath)
		if idpool.FoldName(after.Name) != idpool.FoldName(before.Name) {
			if _, err := w.User(ctx, caller.Account, after.Name); err == nil {
				return userExists(after.Name)
			} else if !idpool.IsNotFound(err) {
				return err
			}
		}
		keys, err := keysOf(ctx, w, caller.Account, before.Name)
		if err != nil {
			return err
		}
		for _, k := range keys {
			k.User = after.Name
			if err := w.PutAccessKey(ctx, k); err != nil {
				return err
			}
		}
		if err := w.DeleteUser(ctx, caller.Account, before.Name); err != nil {
			return err
		}
		return w.PutUser(ctx, after)
	})
	if err == nil {
		s.Broker.PrincipalsChanged(caller.Account)
	}
	return wire.Empty{}, err
}

// moved is a user under another name or path; what is empty stays.
func moved(u idpool.User, name, path string) idpool.User {
	u.Name, u.Path = cmp.Or(name, u.Name), cmp.Or(path, u.Path)
	return u
}
