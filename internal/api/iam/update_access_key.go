package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var updateAccessKeyShape = wire.Struct{
	wire.Opt("UserName", userName),
	wire.Req("AccessKeyId", accessKeyID),
	wire.Req("Status", wire.Str{Enum: []string{"Active", "Inactive", "Expired"}}),
}

type updateAccessKeyInput struct {
	UserName    string
	AccessKeyID string `json:"AccessKeyId"`
	Status      string
}

// updateAccessKey makes a key inactive, or active again.
func (s *Service) updateAccessKey(ctx context.Context, caller idpool.Caller, in updateAccessKeyInput) (wire.Empty, error) {
	if in.Status == "Expired" { // of service-specific credentials; the model has one type for both
		return wire.Empty{}, idpool.Errorf(idpool.Invalid, "The status of an access key can be Active or Inactive.")
	}
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		k, err := ownKey(ctx, w, caller, in.UserName, in.AccessKeyID)
		if err != nil {
			return err
		}
		k.Inactive = in.Status == "Inactive"
		return w.PutAccessKey(ctx, k)
	})
	if err == nil {
		s.Broker.PrincipalsChanged(caller.Account)
	}
	return wire.Empty{}, err
}
