package cognito

import (
	"context"
	"fmt"
	"time"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var getCredentialsForIdentityShape = wire.Struct{
	wire.Req("IdentityId", identityID),
	wire.Opt("Logins", logins),
	wire.Opt("CustomRoleArn", arn),
}

type getCredentialsForIdentityInput struct {
	IdentityID    string `json:"IdentityId"`
	Logins        map[string]string
	CustomRoleARN string `json:"CustomRoleArn"`
}

type getCredentialsForIdentityOutput struct {
	Credentials credentials
	IdentityID  string `json:"IdentityId"`
}

// credentials call the secret SecretKey, unlike every other AWS API.
type credentials struct {
	AccessKeyID  string `json:"AccessKeyId"`
	Expiration   wire.Time
	SecretKey    string
	SessionToken string
}

// What a session of the enhanced flow is called and how long it lasts
// (behaviour 6.1).
const (
	sessionName     = "CognitoIdentityCredentials"
	sessionDuration = time.Hour
)

// getCredentialsForIdentity is the enhanced flow: whoever the logins prove
// becomes the role that the pool chooses.
func (s *Service) getCredentialsForIdentity(ctx context.Context, in getCredentialsForIdentityInput) (getCredentialsForIdentityOutput, error) {
	openID, pool, choice, err := s.whoAndRole(ctx, in)
	ev := wire.EventFrom(ctx)
	ev.Role, ev.RoleSteps, ev.Tags = choice.Role, choice.Steps, sortedKeys(openID.Tags)
	if err != nil {
		return getCredentialsForIdentityOutput{}, err
	}
	if role, ok := idpool.ParseRoleARN(choice.Role); !ok || role.Account != pool.Account {
		return getCredentialsForIdentityOutput{}, idpool.NoRole(fmt.Errorf("role %s is not one of account %s", choice.Role, pool.Account))
	}
	wish := credential.ByOpenID(choice.Role, sessionName, openID, sessionDuration)
	wish.Guest, wish.SourceIP, wish.Secure = openID.Guest(), ev.Client().String(), ev.Secure
	_, minted, err := s.Broker.Assume(ctx, wish)
	switch idpool.KindOf(err) {
	case idpool.AccessDenied, idpool.Invalid, idpool.Malformed, idpool.TooLarge: // whatever the STS refuses, the pool is at fault
		err = idpool.NoRole(err)
	}
	if err != nil {
		return getCredentialsForIdentityOutput{}, err
	}
	return getCredentialsForIdentityOutput{
		IdentityID: string(openID.Identity),
		Credentials: credentials{
			AccessKeyID: minted.AccessKeyID, SecretKey: minted.SecretAccessKey,
			SessionToken: minted.SessionToken, Expiration: wire.Time(minted.Expiration),
		},
	}, nil
}

// whoAndRole says who it is and which role that makes.
func (s *Service) whoAndRole(ctx context.Context, in getCredentialsForIdentityInput) (idpool.OpenID, *idpool.PoolConfig, idpool.RoleChoice, error) {
	const op = "GetCredentialsForIdentity"
	if text, ok := ownToken(in.Logins); ok {
		openID, pool, err := s.resumeByOwnToken(ctx, op, in.IdentityID, text)
		if err != nil {
			return idpool.OpenID{}, nil, idpool.RoleChoice{}, err
		}
		choice, err := idpool.DefaultRole(pool.Pool, openID.RoleType())
		return openID, pool, choice, err
	}
	identity, pool, verified, err := s.resume(ctx, op, in.IdentityID, in.Logins, anyPool)
	if err != nil {
		return idpool.OpenID{}, nil, idpool.RoleChoice{}, err
	}
	choice, err := idpool.ChooseRole(pool.Pool, verified, in.CustomRoleARN)
	return idpool.NewOpenID(pool.Pool, identity.ID, verified), pool, choice, err
}
