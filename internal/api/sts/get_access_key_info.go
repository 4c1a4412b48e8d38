package sts

import (
	"context"

	"idpool/internal/credential"
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
// are stored nowhere, so nobody knows theirs. It is about no resource, but needs
// permission.
func (s *Service) getAccessKeyInfo(ctx context.Context, caller idpool.Caller, in getAccessKeyInfoInput) (getAccessKeyInfoOutput, error) {
	ev := wire.EventFrom(ctx)
	may := credential.Request{Caller: caller, Action: "sts:GetAccessKeyInfo", SourceIP: ev.Client().String(), Secure: ev.Secure}
	if err := s.Broker.Authorize(ctx, may); err != nil {
		return getAccessKeyInfoOutput{}, err
	}
	account, err := s.Broker.AccountOf(ctx, in.AccessKeyID)
	if idpool.IsNotFound(err) {
		err = idpool.Errorf(idpool.Invalid, "The access key %s is not known.", in.AccessKeyID)
	}
	return getAccessKeyInfoOutput{account}, err
}
