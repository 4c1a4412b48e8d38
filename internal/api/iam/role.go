package iam

import (
	"context"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// roleOutput is a role in an answer. Which of its members an operation answers
// with differs (behaviour 9.4).
type roleOutput struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               date
	AssumeRolePolicyDocument encoded
	Description              string            `xml:",omitempty"`
	MaxSessionDuration       int               `xml:",omitempty"`
	Tags                     wire.XMLList[tag] `xml:",omitempty"`
	RoleLastUsed             *struct{}         `xml:",omitempty"` // empty: it is not noted
}

// created is a role as CreateRole shows it.
func created(r idpool.Role) roleOutput {
	return roleOutput{
		Path: r.Path, RoleName: r.Name, RoleID: r.ID, Arn: r.ARN(), CreateDate: date(r.Created), AssumeRolePolicyDocument: encoded(r.Trust), Tags: tagList(r.Tags),
	}
}

// listed is a role as ListRoles shows it.
func listed(r idpool.Role) roleOutput {
	out := created(r)
	out.Description, out.MaxSessionDuration, out.Tags = r.Description, int(r.MaxSession/time.Second), nil
	return out
}

// whole is a role as GetRole shows it.
func whole(r idpool.Role) roleOutput {
	out := listed(r)
	out.Tags, out.RoleLastUsed = tagList(r.Tags), &struct{}{}
	return out
}

// role reads the role of that name inside a transaction.
func role(ctx context.Context, r idpool.Reader, caller idpool.Caller, name string) (idpool.Role, error) {
	if err := checkName("roleName", name); err != nil {
		return idpool.Role{}, err
	}
	role, err := r.Role(ctx, caller.Account, name)
	if idpool.IsNotFound(err) {
		err = idpool.Errorf(idpool.NotFound, "The role with name %s cannot be found.", name)
	}
	return role, err
}

// viewRole reads the role of that name.
func (s *Service) viewRole(ctx context.Context, caller idpool.Caller, name string) (found idpool.Role, err error) {
	err = s.Store.View(ctx, func(r idpool.Reader) (err error) {
		found, err = role(ctx, r, caller, name)
		return err
	})
	return found, err
}

// changeRole changes a role in a transaction, and returns it.
func (s *Service) changeRole(ctx context.Context, caller idpool.Caller, name string, change func(idpool.Writer, *idpool.Role) error) (changed idpool.Role, err error) {
	err = s.Store.Update(ctx, func(w idpool.Writer) error {
		r, err := role(ctx, w, caller, name)
		if err == nil {
			err = change(w, &r)
		}
		if err != nil {
			return err
		}
		changed = r
		return w.PutRole(ctx, r)
	})
	if err == nil {
		s.Broker.PrincipalsChanged(caller.Account)
	}
	return changed, err
}

// onRole is the role that an operation works on.
func onRole(caller idpool.Caller, text func(string) string) string {
	return idpool.Role{Account: caller.Account, Name: text("RoleName"), Path: pathOr(text("Path"))}.ARN()
}
