package iam

import (
	"context"
	"strings"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

type listUsersOutput struct {
	Users wire.XMLList[userOutput]
	pageOutput
}

// listUsers lists the account's users by name, without their tags.
func (s *Service) listUsers(ctx context.Context, caller idpool.Caller, in listInput) (out listUsersOutput, err error) {
	if err := checkPrefix(in.PathPrefix); err != nil {
		return out, err
	}
	var list []idpool.User
	err = s.Store.View(ctx, func(r idpool.Reader) error {
		held, err := r.Users(ctx, caller.Account)
		list = list[:0]
		for _, u := range held {
			if strings.HasPrefix(u.Path, in.PathPrefix) {
				list = append(list, u)
			}
		}
		return err
	})
	if err != nil {
		return out, err
	}
	list, out.pageOutput, err = page(s, caller, in.pageInput, list, func(u idpool.User) string { return idpool.FoldName(u.Name) }, "ListUsers", in.PathPrefix)
	for _, u := range list {
		u.Tags = nil
		out.Users = append(out.Users, describeUser(u))
	}
	return out, err
}
