package sts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/login"
	"idpool/internal/policy"
	"idpool/internal/token"
	"idpool/internal/wire"
)

var assumeRoleWithWebIdentityShape = wire.Struct{
	wire.Req("RoleArn", arn),
	wire.Req("RoleSessionName", sessionName),
	wire.Req("WebIdentityToken", wire.Str{Min: 4, Max: 20000, Sensitive: true}),
	wire.Opt("ProviderId", wire.Str{Min: 4, Max: 2048}),
	wire.Opt("PolicyArns", policyARNs),
	wire.Opt("Policy", sessionPolicy),
	wire.Opt("DurationSeconds", wire.Int{Min: 900, Max: 43200}),
}

type assumeRoleWithWebIdentityInput struct {
	RoleArn          string
	RoleSessionName  string
	WebIdentityToken string
	ProviderID       string `json:"ProviderId"`
	PolicyArns       []policyARN
	Policy           string
	DurationSeconds  int
}

type assumeRoleWithWebIdentityOutput struct {
	SubjectFromWebIdentityToken string
	Audience                    string
	AssumedRoleUser             assumedRoleUser
	PackedPolicySize            int `xml:",omitempty"`
	Provider                    string
	SourceIdentity              string `xml:",omitempty"`
	Credentials                 credentials
}

// assumeRoleWithWebIdentity makes a role's session for somebody with an ID
// token: one of our own, which is the second half of the classic flow, or one of
// an issuer that is registered with IAM in the role's account.
func (s *Service) assumeRoleWithWebIdentity(ctx context.Context, in assumeRoleWithWebIdentityInput) (assumeRoleWithWebIdentityOutput, error) {
	role, ok := idpool.ParseRoleARN(in.RoleArn)
	if !ok {
		return assumeRoleWithWebIdentityOutput{}, idpool.Errorf(idpool.Invalid, "%s is invalid", in.RoleArn)
	}
	if in.ProviderID != "" { // it means an OAuth 2.0 access token, of a kind that is not taken
		return assumeRoleWithWebIdentityOutput{}, idpool.Errorf(idpool.InvalidToken, "No OpenIDConnect provider found in your account for %s", in.ProviderID)
	}
	ev := wire.EventFrom(ctx)
	ev.Role = in.RoleArn
	wish, subject, audience, err := s.webIdentity(ctx, role, in.WebIdentityToken) // 1. who
	if err != nil {
		return assumeRoleWithWebIdentityOutput{}, err
	}
	wish.Role, wish.Name, wish.Duration = in.RoleArn, in.RoleSessionName, duration(in.DurationSeconds, defaultDuration)
	wish.SourceIP, wish.Secure = ev.Client().String(), ev.Secure
	wish.Policies, wish.PolicyARNs = sessionPolicies(in.Policy, in.PolicyArns)
	session, minted, err := s.Broker.Assume(ctx, wish) // 2. may they
	if err != nil {
		return assumeRoleWithWebIdentityOutput{}, err
	}
	return assumeRoleWithWebIdentityOutput{
		SubjectFromWebIdentityToken: subject,
		Audience:                    audience,
		AssumedRoleUser:             assumedRoleUser{Arn: session.ARN(), AssumedRoleID: session.UserID()},
		PackedPolicySize:            wish.PackedSize(),
		Provider:                    wish.Provider,
		SourceIdentity:              wish.SourceIdentity,
		Credentials:                 shown(minted),
	}, nil
}

// webIdentity verifies a token and makes it a wish.
func (s *Service) webIdentity(ctx context.Context, role idpool.RoleARN, text string) (wish credential.Assumption, subject, audience string, err error) {
	ev := wire.EventFrom(ctx)
	openID, err := s.Issuer.Verify(ctx, text)
	if foreign, ok := errors.AsType[token.Foreign](err); ok {
		return s.foreignIdentity(ctx, role, foreign.Issuer, text, err)
	}
	if err == nil {
		ev.Pool, ev.Identity = openID.Pool, openID.Identity
		err = s.alive(ctx, openID)
	}
	if err != nil {
		return wish, "", "", err
	}
	return credential.ByOpenID("", "", openID, 0), string(openID.Identity), string(openID.Pool), nil
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

// foreignIdentity verifies a token of an issuer that is registered with IAM in
// the account of the role.
func (s *Service) foreignIdentity(ctx context.Context, role idpool.RoleARN, issuer, text string, unknown error) (wish credential.Assumption, subject, audience string, err error) {
	_, name, _ := strings.Cut(issuer, "://")
	var provider idpool.OIDCProvider
	err = s.Store.View(ctx, func(r idpool.Reader) (err error) {
		provider, err = r.OIDCProvider(ctx, role.Account, name)
		return err
	})
	trusts := &idpool.PoolConfig{Pool: idpool.Pool{Account: role.Account, OIDCProviderARNs: []string{idpool.ProviderARN(role.Account, name)}}}
	switch {
	case err == nil:
		trusts.OIDCProviders = map[string]idpool.OIDCProvider{name: provider}
	case !idpool.IsNotFound(err):
		return wish, "", "", err
	}
	if !s.Logins.Serves(trusts, name) {
		return wish, "", "", unknown
	}
	wire.EventFrom(ctx).Providers = []string{name}
	verified, err := s.Logins.Verify(ctx, trusts, []login.Presented{{Provider: name, Token: login.Token(text)}})
	if err != nil {
		return wish, "", "", refused(err)
	}
	who := verified[0]
	if err := notTooOld(who.Claims, s.Now()); err != nil {
		return wish, "", "", err
	}
	keys := map[string][]string{name + ":aud": {who.Client}, name + ":sub": {who.Subject}}
	switch amr := texts(who.Claims["amr"]); {
	case len(amr) > maxAMR || slices.ContainsFunc(amr, func(one string) bool { return len(one) > maxAMRText }):
		return wish, "", "", idpool.Errorf(idpool.InvalidToken, "The claim amr is too long")
	case len(amr) > 0:
		keys[name+":amr"] = amr
	}
	arn := idpool.ProviderARN(role.Account, name)
	wish = credential.Assumption{
		Action: "sts:AssumeRoleWithWebIdentity", Principal: policy.Principal{Federated: arn}, Provider: arn,
		Keys: keys, Lasting: slices.Sorted(maps.Keys(keys)),
	}
	if claim, has := who.Claims["https://aws.amazon.com/source_identity"]; has {
		text, ok := claim.(string)
		if !ok || !isSourceIdentity(text) {
			return wish, "", "", badSourceIdentity()
		}
		wish.SourceIdentity = text
	}
	wish.Tags, wish.TransitiveTags, err = claimedTags(who.Claims["https://aws.amazon.com/tags"])
	return wish, who.Subject, who.Client, err
}

// refused words the refusal of a token as the STS does (behaviour 8.2).
func refused(err error) error {
	why, ok := errors.AsType[*login.Refusal](err)
	if !ok {
		return err
	}
	text := "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	switch why.Check {
	case "audience":
		text = "Incorrect token audience"
	case "key", "signature":
		text = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
	case "expiry":
		return idpool.Errorf(idpool.ExpiredToken, "Token expired: current date/time %d must be before the expiration date/time %d", why.Now, why.Claim).Because(why)
	case "start":
		text = fmt.Sprintf("Token is not yet valid: current date/time %d must not be before %d", why.Now, why.Claim)
	}
	return idpool.Errorf(idpool.InvalidToken, "%s", text).Because(why)
}

// The bounds of what a foreign token puts into a session.
const (
	maxAMR     = 20
	maxAMRText = 128
)

var sourceIdentityForm = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// isSourceIdentity reports whether a provider may say this of whom a session
// comes from.
func isSourceIdentity(text string) bool {
	return sourceIdentityForm.MatchString(text) && !strings.HasPrefix(strings.ToLower(text), "aws:")
}

func badSourceIdentity() error {
	return idpool.Errorf(idpool.InvalidToken, `Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"`)
}

// maxTokenAge is how long ago a foreign token may have been issued. The hosted
// service has such a bound and does not tell it.
const maxTokenAge = 24 * time.Hour

func notTooOld(claims idpool.Claims, now time.Time) error {
	number, ok := claims["iat"].(json.Number)
	issued, err := number.Float64()
	if !ok || err != nil {
		return idpool.Errorf(idpool.InvalidToken, "Missing a required claim: iat")
	}
	if age := now.Sub(time.Unix(int64(issued), 0)); age > maxTokenAge {
		return idpool.Errorf(idpool.ExpiredToken, "Token too old: %d", int64(age.Seconds()))
	}
	return nil
}

// claimedTags are the session tags that a token carries: each value is a list of
// one (behaviour 8.3).
func claimedTags(claim any) (tags map[string]string, transitive []string, err error) {
	if claim == nil {
		return nil, nil, nil
	}
	bad := idpool.Errorf(idpool.InvalidToken, "The claim https://aws.amazon.com/tags is not of the right form")
	object, ok := claim.(map[string]any)
	if !ok {
		return nil, nil, bad
	}
	principal, ok := object["principal_tags"].(map[string]any)
	if !ok {
		return nil, nil, bad
	}
	tags = map[string]string{}
	for key, value := range principal {
		one := texts(value)
		if len(one) != 1 {
			return nil, nil, bad
		}
		tags[key] = one[0]
	}
	if list, has := object["transitive_tag_keys"]; has {
		transitive = texts(list)
		for _, key := range transitive {
			if _, set := tags[key]; !set {
				return nil, nil, bad
			}
		}
	}
	return tags, transitive, nil
}

// texts are the elements of a list of texts; nil if it is none.
func texts(claim any) (out []string) {
	list, _ := claim.([]any)
	for _, one := range list {
		text, ok := one.(string)
		if !ok {
			return nil
		}
		out = append(out, text)
	}
	return out
}
