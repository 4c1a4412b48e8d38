package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var getAccessKeyLastUsedShape = wire.Struct{wire.Req("AccessKeyId", accessKeyID)}

type accessKeyInput struct {
	AccessKeyID string `json:"AccessKeyId"`
}

type getAccessKeyLastUsedOutput struct {
	UserName          string `xml:",omitempty"`
	AccessKeyLastUsed accessKeyLastUsed
}

type accessKeyLastUsed struct{ ServiceName, Region string }

// getAccessKeyLastUsed tells whose key it is; Terraform imports keys by it. When
// it was used is not noted.
func (s *Service) getAccessKeyLastUsed(ctx context.Context, caller idpool.Caller, in accessKeyInput) (getAccessKeyLastUsedOutput, error) {
	var k idpool.AccessKey
	err := s.Store.View(ctx, func(r idpool.Reader) (err error) {
		k, err = r.AccessKey(ctx, in.AccessKeyID)
		if idpool.IsNotFound(err) || err == nil && k.Account != caller.Account {
			err = keyMissing(in.AccessKeyID)
		}
		return err
	})
	if err != nil {
		return getAccessKeyLastUsedOutput{}, err
	}
	return getAccessKeyLastUsedOutput{k.User, accessKeyLastUsed{ServiceName: "N/A", Region: "N/A"}}, nil
}
