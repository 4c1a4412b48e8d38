package iam

import (
	"context"

	"idpool/internal/idpool"
)

type createAccessKeyOutput struct{ AccessKey newAccessKey }

type newAccessKey struct {
	UserName        string `xml:",omitempty"` // the root has none
	AccessKeyID     string `xml:"AccessKeyId"`
	Status          string
	SecretAccessKey string
	CreateDate      date
}

// createAccessKey makes a key. This answer is the only one with its secret.
func (s *Service) createAccessKey(ctx context.Context, caller idpool.Caller, in userInput) (createAccessKeyOutput, error) {
	fresh, secret := s.Broker.NewAccessKey(caller.Account, "")
	err := s.Store.Update(ctx, func(w idpool.Writer) (err error) {
		if fresh.User, err = owner(ctx, w, caller, in.UserName); err != nil {
			return err
		}
		held, err := keysOf(ctx, w, caller.Account, fresh.User)
		if err != nil {
			return err
		}
		if len(held) >= maxAccessKeys {
			return quota("AccessKeysPerUser", maxAccessKeys)
		}
		return w.PutAccessKey(ctx, fresh)
	})
	if err != nil {
		return createAccessKeyOutput{}, err
	}
	s.Broker.PrincipalsChanged(caller.Account)
	return createAccessKeyOutput{newAccessKey{fresh.User, fresh.ID, status(fresh), secret, date(fresh.Created)}}, nil
}
