package iam

import (
	"context"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var getUserShape = wire.Struct{wire.Opt("UserName", userName)}

type userInput struct{ UserName string }

type getUserOutput struct{ User userOutput }

// getUser shows a user, or the caller if none is named.
func (s *Service) getUser(ctx context.Context, caller idpool.Caller, in userInput) (getUserOutput, error) {
	name, err := meant(caller, in.UserName)
	if err != nil {
		return getUserOutput{}, err
	}
	if name == "" {
		return s.getRoot(ctx, caller)
	}
	u, err := s.viewUser(ctx, caller, name)
	return getUserOutput{describeUser(u)}, err
}

// getRoot shows the root. The day that an account was made is that of its oldest
// root key.
func (s *Service) getRoot(ctx context.Context, caller idpool.Caller) (getUserOutput, error) {
	var oldest time.Time
	err := s.Store.View(ctx, func(r idpool.Reader) error {
		oldest = time.Unix(0, 0)
		keys, err := keysOf(ctx, r, caller.Account, "")
		if len(keys) > 0 {
			oldest = keys[0].Created
		}
		return err
	})
	return getUserOutput{userOutput{UserID: caller.UserID, Arn: caller.ARN, CreateDate: date(oldest)}}, err
}
