package sts

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var getSessionTokenShape = wire.Struct{
	wire.Opt("DurationSeconds", wire.Int{Min: 900, Max: 129600}),
}

type getSessionTokenInput struct {
	DurationSeconds int
}

type getSessionTokenOutput struct {
	Credentials credentials
}

// The lifetimes of a session of a user and of root, if nobody asks for another
// (behaviour 8.5).
const (
	userSession = 43200 // seconds
	rootSession = 3600
)

// getSessionToken gives a user, or root, temporary credentials of their own.
func (s *Service) getSessionToken(ctx context.Context, caller idpool.Caller, in getSessionTokenInput) (getSessionTokenOutput, error) {
	if caller.Session != nil {
		return getSessionTokenOutput{}, idpool.Errorf(idpool.AccessDenied, "Cannot call GetSessionToken with session credentials")
	}
	lasts := duration(in.DurationSeconds, userSession)
	if caller.Root {
		lasts = min(duration(in.DurationSeconds, rootSession), duration(rootSession, 0))
	}
	minted, err := s.Broker.SessionToken(caller, lasts)
	return getSessionTokenOutput{shown(minted)}, err
}
