package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// userOutput is a user in an answer. The root has neither path nor name.
type userOutput struct {
	Path       string `xml:",omitempty"`
	UserName   string `xml:",omitempty"`
	UserID     string `xml:"UserId"`
	Arn        string
	CreateDate date
	Tags       wire.XMLList[tag] `xml:",omitempty"`
}

// describeUser is a user as CreateUser and GetUser show it.
func describeUser(u idpool.User) userOutput {
	return userOutput{Path: u.Path, UserName: u.Name, UserID: u.ID, Arn: u.ARN(), CreateDate: date(u.Created), Tags: tagList(u.Tags)}
}

// user reads the user of that name inside a transaction.
func user(ctx context.Context, r idpool.Reader, caller idpool.Caller, name string) (idpool.User, error) {
	if err := checkName("userName", name); err != nil {
		return idpool.User{}, err
	}
	u, err := r.User(ctx, caller.Account, name)
	if idpool.IsNotFound(err) {
		err = userMissing(name)
	}
	return u, err
}

func userMissing(name string) error {
	return idpool.Errorf(idpool.NotFound, "The user with name %s cannot be found.", name)
}

// viewUser reads the user of that name.
func (s *Service) viewUser(ctx context.Context, caller idpool.Caller, name string) (found idpool.User, err error) {
	err = s.Store.View(ctx, func(r idpool.Reader) (err error) {
		found, err = user(ctx, r, caller, name)
		return err
	})
	return found, err
}

// changeUser changes a user in a transaction, and returns it.
func (s *Service) changeUser(ctx context.Context, caller idpool.Caller, name string, change func(idpool.Writer, *idpool.User) error) (changed idpool.User, err error) {
	err = s.Store.Update(ctx, func(w idpool.Writer) error {
		u, err := user(ctx, w, caller, name)
		if err == nil {
			err = change(w, &u)
		}
		if err != nil {
			return err
		}
		changed = u
		return w.PutUser(ctx, u)
	})
	if err == nil {
		s.Broker.PrincipalsChanged(caller.Account)
	}
	return changed, err
}

// meant is whom a request is about that need not name a user: the one named, or
// the caller. The empty name is the root.
func meant(caller idpool.Caller, named string) (name string, err error) {
	switch {
	case named != "":
		return named, nil
	case caller.User != "" || caller.Root:
		return caller.User, nil
	}
	return "", idpool.Errorf(idpool.Malformed, "Must specify userName when calling with non-User credentials")
}

// onUser is the user that an operation works on: the one named, or the caller.
func onUser(caller idpool.Caller, text func(string) string) string {
	name, err := meant(caller, text("UserName"))
	if err != nil || name == "" {
		return caller.ARN
	}
	return idpool.User{Account: caller.Account, Name: name, Path: pathOr(text("Path"))}.ARN()
}
