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
	IdentityID string `json:"IdentityId"`
	Logins     map[string]string
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
// becomes the role that the pool chooses. CustomRoleArn means nothing without
// a role mapping.
func (s *Service) getCredentialsForIdentity(ctx context.Context, in getCredentialsForIdentityInput) (getCredentialsForIdentityOutput, error) {
	identity, pool, verified, err := s.resume(ctx, in.IdentityID, in.Logins, anyPool)
	if err != nil {
		return getCredentialsForIdentityOutput{}, err
	}
	openID := idpool.NewOpenID(pool.Pool, identity.ID, verified)
	role, err := s.chooseRole(pool, openID)
	if err != nil {
		return getCredentialsForIdentityOutput{}, err
	}
	wire.EventFrom(ctx).Role = role
	_, minted, err := s.Broker.Assume(ctx, credential.Assumption{Role: role, Name: sessionName, OpenID: openID, Duration: sessionDuration})
	if idpool.KindOf(err) == idpool.AccessDenied {
		err = misconfigured(err)
	}
	if err != nil {
		return getCredentialsForIdentityOutput{}, err
	}
	return getCredentialsForIdentityOutput{
		IdentityID: string(identity.ID),
		Credentials: credentials{
			AccessKeyID: minted.AccessKeyID, SecretKey: minted.SecretAccessKey,
			SessionToken: minted.SessionToken, Expiration: wire.Time(minted.Expiration),
		},
	}, nil
}

// chooseRole is the pool's default role for a guest or for somebody with a
// login (behaviour 6.3). It must be one of the pool's own account.
func (s *Service) chooseRole(pool *idpool.PoolConfig, o idpool.OpenID) (string, error) {
	kind := idpool.Authenticated
	if o.Guest() {
		kind = idpool.Unauthenticated
	}
	arn, ok := pool.Roles[kind]
	if !ok {
		return "", misconfigured(fmt.Errorf("the pool has no role for %s identities", kind))
	}
	if role, ok := idpool.ParseRoleARN(arn); !ok || role.Account != pool.Account {
		return "", misconfigured(fmt.Errorf("role %s is not one of account %s", arn, pool.Account))
	}
	return arn, nil
}

func misconfigured(cause error) error {
	return idpool.Errorf(idpool.Misconfigured, "Invalid identity pool configuration. Check assigned IAM roles for this pool.").Because(cause)
}
