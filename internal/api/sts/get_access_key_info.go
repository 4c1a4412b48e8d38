package sts

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var getAccessKeyInfoShape = wire.Struct{wire.Req("AccessKeyId", accessKeyID)}

type getAccessKeyInfoInput struct {
	AccessKeyID string `json:"AccessKeyId"`
}

type getAccessKeyInfoOutput struct {
	Account string
}

// getAccessKeyInfo tells the account of a long-lived access key. Temporary keys
// are stored nowhere, so nobody knows theirs.
func (s *Service) getAccessKeyInfo(ctx context.Context, _ idpool.Caller, in getAccessKeyInfoInput) (getAccessKeyInfoOutput, error) {
	account, err := s.Broker.AccountOf(ctx, in.AccessKeyID)
	if idpool.IsNotFound(err) {
		err = idpool.Errorf(idpool.Invalid, "The access key %s is not known.", in.AccessKeyID)
	}
	return getAccessKeyInfoOutput{account}, err
}
