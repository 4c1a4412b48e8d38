package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// pagedOwnShape is for operations that list what belongs to a user, or to the
// caller if none is named.
var pagedOwnShape = paged(wire.Opt("UserName", userName))

type listAccessKeysOutput struct {
	AccessKeyMetadata wire.XMLList[accessKeyMetadata]
	pageOutput
}

type accessKeyMetadata struct {
	UserName    string `xml:",omitempty"`
	AccessKeyID string `xml:"AccessKeyId"`
	Status      string
	CreateDate  date
}

func (s *Service) listAccessKeys(ctx context.Context, caller idpool.Caller, in pagedUserInput) (out listAccessKeysOutput, err error) {
	var name string
	var list []idpool.AccessKey
	err = s.Store.View(ctx, func(r idpool.Reader) (err error) {
		if name, err = owner(ctx, r, caller, in.UserName); err == nil {
			list, err = keysOf(ctx, r, caller.Account, name)
		}
		return err
	})
	if err != nil {
		return out, err
	}
	list, out.pageOutput, err = page(s, caller, in.pageInput, list, keyOrder, "ListAccessKeys", name)
	for _, k := range list {
		out.AccessKeyMetadata = append(out.AccessKeyMetadata, accessKeyMetadata{k.User, k.ID, status(k), date(k.Created)})
	}
	return out, err
}
