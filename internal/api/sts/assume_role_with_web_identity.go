package sts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var (
	arn         = wire.Str{Min: 20, Max: 2048}
	sessionName = wire.Str{Min: 2, Max: 64, Pattern: wire.Re(`[\w+=,.@-]*`)}
)

var assumeRoleWithWebIdentityShape = wire.Struct{
	wire.Req("RoleArn", arn),
	wire.Req("RoleSessionName", sessionName),
	wire.Req("WebIdentityToken", wire.Str{Min: 4, Max: 20000, Sensitive: true}),
	wire.Opt("ProviderId", wire.Str{Min: 4, Max: 2048}),
	wire.Opt("PolicyArns", wire.List{Of: wire.Struct{wire.Opt("arn", arn)}}),
	wire.Opt("Policy", wire.Str{Min: 1, Max: 2048}),
	wire.Opt("DurationSeconds", wire.Int{Min: 900, Max: 43200}),
}

type assumeRoleWithWebIdentityInput struct {
	RoleArn          string
	RoleSessionName  string
	WebIdentityToken string
	ProviderID       string `json:"ProviderId"`
	PolicyArns       []any
	Policy           string
	DurationSeconds  int
}

type assumeRoleWithWebIdentityOutput struct {
	SubjectFromWebIdentityToken string
	Audience                    string
	AssumedRoleUser             assumedRoleUser
	Provider                    string
	Credentials                 credentials
}

type assumedRoleUser struct {
	Arn           string
	AssumedRoleID string `xml:"AssumedRoleId"`
}

type credentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

const defaultDuration = 3600

// assumeRoleWithWebIdentity is the second half of the classic flow: it takes a
// token of our own issuer. The identity must still exist and must not be
// disabled, in the pool that the token was made for.
func (s *Service) assumeRoleWithWebIdentity(ctx context.Context, in assumeRoleWithWebIdentityInput) (assumeRoleWithWebIdentityOutput, error) {
	if _, ok := idpool.ParseRoleARN(in.RoleArn); !ok {
		return assumeRoleWithWebIdentityOutput{}, idpool.Errorf(idpool.Invalid, "%s is invalid", in.RoleArn)
	}
	if in.Policy != "" || len(in.PolicyArns) > 0 {
		// A session policy narrows what the session may do. To take it and
		// not apply it would hand out more than was asked for.
		return assumeRoleWithWebIdentityOutput{}, idpool.Errorf(idpool.Invalid, "This version of idpool does not support session policies.")
	}
	openID, err := s.Issuer.Verify(ctx, in.WebIdentityToken)
	if err != nil {
		return assumeRoleWithWebIdentityOutput{}, err
	}
	ev := wire.EventFrom(ctx)
	ev.Pool, ev.Identity, ev.Role = openID.Pool, openID.Identity, in.RoleArn
	if err := s.alive(ctx, openID); err != nil {
		return assumeRoleWithWebIdentityOutput{}, err
	}
	if in.DurationSeconds == 0 {
		in.DurationSeconds = defaultDuration
	}
	session, minted, err := s.Broker.Assume(ctx, credential.Assumption{
		Role: in.RoleArn, Name: in.RoleSessionName, OpenID: openID, Duration: time.Duration(in.DurationSeconds) * time.Second})
	if err != nil {
		return assumeRoleWithWebIdentityOutput{}, err
	}
	return assumeRoleWithWebIdentityOutput{
		SubjectFromWebIdentityToken: string(openID.Identity),
		Audience:                    string(openID.Pool),
		AssumedRoleUser:             assumedRoleUser{Arn: session.ARN(), AssumedRoleID: session.UserID()},
		Provider:                    credential.Provider,
		Credentials: credentials{
			AccessKeyID: minted.AccessKeyID, SecretAccessKey: minted.SecretAccessKey, SessionToken: minted.SessionToken,
			Expiration: minted.Expiration.UTC().Format(time.RFC3339),
		},
	}, nil
}

// alive refuses a token whose identity or pool is gone, or whose identity was
// merged away. To the outside that is one and the same refusal.
func (s *Service) alive(ctx context.Context, o idpool.OpenID) error {
	var identity idpool.Identity
	pool, err := s.Directory.Pool(ctx, o.Pool)
	if err == nil {
		err = s.Store.View(ctx, func(r idpool.Reader) (err error) {
			identity, err = r.Identity(ctx, o.Identity)
			return err
		})
	}
	switch {
	case err != nil && !idpool.IsNotFound(err):
		return err
	case err == nil && identity.Disabled:
		err = errors.New("the identity is disabled")
	case err == nil && (identity.Pool != pool.ID || pool.Account != o.Account):
		err = fmt.Errorf("the identity is in pool %s of account %s", identity.Pool, pool.Account)
	}
	if err != nil {
		return idpool.Errorf(idpool.AccessDenied, "Not authorized to perform sts:AssumeRoleWithWebIdentity").Because(err)
	}
	return nil
}
