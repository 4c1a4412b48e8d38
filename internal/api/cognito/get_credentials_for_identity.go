package cognito

import (
	"context"
	"fmt"
	"slices"
	"time"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/token"
	"idpool/internal/upstream"
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

// AppendJSON implements wire.Appender.
func (o getCredentialsForIdentityOutput) AppendJSON(b []byte) []byte {
	c := o.Credentials
	b = slices.Grow(b, len(c.SessionToken)+384)
	b = wire.AppendText(append(b, `{"Credentials":{"AccessKeyId":`...), c.AccessKeyID)
	b = c.Expiration.AppendJSON(append(b, `,"Expiration":`...))
	b = wire.AppendText(append(b, `,"SecretKey":`...), c.SecretKey)
	b = wire.AppendText(append(b, `,"SessionToken":`...), c.SessionToken)
	b = wire.AppendText(append(b, `},"IdentityId":`...), o.IdentityID)
	return append(b, '}')
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
	minted, err := s.assume(ctx, pool.Account, choice.Role, openID)
	switch idpool.KindOf(err) {
	case idpool.AccessDenied, idpool.Invalid, idpool.Malformed, idpool.TooLarge: // whatever an STS refuses, the pool is at fault
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

// assume has the STS that the role belongs to make a session of it: ours takes
// what the token says, another one wants the token.
func (s *Service) assume(ctx context.Context, account, role string, o idpool.OpenID) (credential.Credentials, error) {
	ev := wire.EventFrom(ctx)
	if sts := s.Upstreams.For(role); sts != nil {
		ev.Upstream = sts.Name
		signed, err := s.Issuer.Sign(ctx, o, token.Lifetime)
		if err != nil {
			return credential.Credentials{}, err
		}
		wish := upstream.Wish{Role: role, Name: sessionName, Token: signed, Duration: sessionDuration}
		if o.Guest() && sts.GuestPolicies {
			wish.Policy = s.UpstreamGuestPolicy
		}
		return sts.Assume(ctx, wish)
	}
	if arn, ok := idpool.ParseRoleARN(role); !ok || arn.Account != account {
		return credential.Credentials{}, idpool.NoRole(fmt.Errorf("role %s is not one of account %s", role, account))
	}
	wish := credential.ByOpenID(role, sessionName, o, sessionDuration)
	wish.Guest, wish.SourceIP, wish.Secure = o.Guest(), ev.Client().String(), ev.Secure
	_, minted, err := s.Broker.Assume(ctx, wish)
	return minted, err
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
