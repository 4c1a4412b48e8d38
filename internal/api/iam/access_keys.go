package iam

import (
	"context"
	"slices"
	"strings"

	"idpool/internal/idpool"
)

// keysOf lists the access keys of a user, or of the root if the name is empty,
// oldest first.
func keysOf(ctx context.Context, r idpool.Reader, account, user string) ([]idpool.AccessKey, error) {
	keys, err := r.AccessKeys(ctx, account)
	keys = slices.DeleteFunc(keys, func(k idpool.AccessKey) bool { return idpool.FoldName(k.User) != idpool.FoldName(user) })
	slices.SortFunc(keys, func(a, b idpool.AccessKey) int { return strings.Compare(keyOrder(a), keyOrder(b)) })
	return keys, err
}

// keyOrder sorts access keys by age, then ID.
func keyOrder(k idpool.AccessKey) string {
	return k.Created.UTC().Format("2006-01-02T15:04:05.000 ") + k.ID
}

// owner checks that the user whom a request is about exists, and returns how the
// name is spelled; the root always does.
func owner(ctx context.Context, r idpool.Reader, caller idpool.Caller, named string) (name string, err error) {
	if name, err = meant(caller, named); err != nil || name == "" {
		return "", err
	}
	u, err := user(ctx, r, caller, name)
	return u.Name, err
}

// ownKey reads an access key of the user whom a request is about. A key of
// somebody else is as unknown as one that does not exist.
func ownKey(ctx context.Context, r idpool.Reader, caller idpool.Caller, named, id string) (idpool.AccessKey, error) {
	name, err := owner(ctx, r, caller, named)
	if err != nil {
		return idpool.AccessKey{}, err
	}
	k, err := r.AccessKey(ctx, id)
	if idpool.IsNotFound(err) || err == nil && (k.Account != caller.Account || k.User != name) {
		err = keyMissing(id)
	}
	return k, err
}

func keyMissing(id string) error {
	return idpool.Errorf(idpool.NotFound, "The Access Key with id %s cannot be found.", id)
}

func status(k idpool.AccessKey) string {
	if k.Inactive {
		return "Inactive"
	}
	return "Active"
}
