package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var deleteAccessKeyShape = wire.Struct{
	wire.Opt("UserName", userName),
	wire.Req("AccessKeyId", accessKeyID),
}

type deleteAccessKeyInput struct {
	UserName    string
	AccessKeyID string `json:"AccessKeyId"`
}

func (s *Service) deleteAccessKey(ctx context.Context, caller idpool.Caller, in deleteAccessKeyInput) (wire.Empty, error) {
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		k, err := ownKey(ctx, w, caller, in.UserName, in.AccessKeyID)
		if err != nil {
			return err
		}
		return w.DeleteAccessKey(ctx, k.ID)
	})
	if err == nil {
		s.Broker.PrincipalsChanged(caller.Account)
	}
	return wire.Empty{}, err
}
