package sts

import (
	"context"

	"idpool/internal/idpool"
)

type getCallerIdentityOutput struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

// getCallerIdentity tells who signed. No policy can deny it.
func (s *Service) getCallerIdentity(_ context.Context, caller idpool.Caller, _ struct{}) (getCallerIdentityOutput, error) {
	return getCallerIdentityOutput{Arn: caller.ARN, UserID: caller.UserID, Account: caller.Account}, nil
}
