package credential

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"idpool/internal/idpool"
)

// Provider is the federated principal of our own OpenID tokens in trust
// policies.
const Provider = "cognito-identity.amazonaws.com"

// Assumption is a wish to become a role, on the strength of verified claims.
type Assumption struct {
	Role     string // ARN
	Name     string // of the session: 2 to 64 characters
	OpenID   idpool.OpenID
	Duration time.Duration // 15 minutes to 12 hours
}

// Assume makes a session of a role. The error is of kind AccessDenied, always
// with the same text, if there is no such role or it does not trust the claims;
// Invalid or TooLarge if the principal tags cannot be tags of a session.
func (b *Broker) Assume(ctx context.Context, a Assumption) (Session, Credentials, error) {
	role, err := b.trustingRole(ctx, a)
	if err != nil {
		return Session{}, Credentials{}, err
	}
	if err := checkTags(a.OpenID.Tags); err != nil {
		return Session{}, Credentials{}, err
	}
	now := b.Now().UTC().Truncate(time.Second)
	s := Session{
		ID:          idpool.NewRequestID(),
		AccessKeyID: newAccessKeyID("ASIA"),
		Role:        role.String(),
		RoleID:      roleID(role.String()),
		Name:        a.Name,
		Provider:    Provider,
		Subject:     string(a.OpenID.Identity),
		Audience:    string(a.OpenID.Pool),
		AMR:         a.OpenID.AMR,
		Tags:        a.OpenID.Tags,
		Issued:      now,
		Expires:     now.Add(a.Duration),
	}
	credentials, err := sealSession(b.Sessions, s)
	return s, credentials, err
}

// The bounds of session tags (behaviour 6.6).
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
	maxTagBytes = 460 // of all keys and values together
)

var tagForm = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// checkTags refuses tags that could be read as something else in a policy, or
// that do not fit.
func checkTags(tags map[string]string) error {
	size, seen := 0, map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value, folded := tags[key], strings.ToLower(key)
		size += len(key) + len(value)
		switch {
		case seen[folded]:
			return idpool.Errorf(idpool.Invalid, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		case key == "" || utf8.RuneCountInString(key) > maxTagKey || utf8.RuneCountInString(value) > maxTagValue,
			strings.HasPrefix(folded, "aws:"), !tagForm.MatchString(key), !tagForm.MatchString(value):
			return idpool.Errorf(idpool.Invalid, "The session tag %.128q cannot be passed.", key)
		}
		seen[folded] = true
	}
	if len(tags) > maxTags || size > maxTagBytes {
		return idpool.Errorf(idpool.TooLarge, "Packed size of session tags consumes %d%% of allotted space.", max(101, 100*size/maxTagBytes))
	}
	return nil
}

// trustingRole finds the role and evaluates whether it trusts the claims. Only
// roles by name exist so far: those are trusted where RolesByName is on, and
// nowhere else.
func (b *Broker) trustingRole(ctx context.Context, a Assumption) (idpool.RoleARN, error) {
	role, err := b.role(ctx, a.Role)
	if err != nil {
		return role, idpool.Errorf(idpool.AccessDenied, "Not authorized to perform sts:AssumeRoleWithWebIdentity").Because(err)
	}
	return role, nil
}

// CheckRole reports whether a pool of the account may be given the role. The
// error is of kind NotAuthorized, with the hosted service's text.
func (b *Broker) CheckRole(ctx context.Context, account, arn string) error {
	role, err := b.role(ctx, arn)
	if err == nil && role.Account != account {
		err = fmt.Errorf("role of account %s, pool of account %s", role.Account, account)
	}
	if err != nil {
		return idpool.Errorf(idpool.NotAuthorized, "Access to Role '%s' is forbidden.", arn).Because(err)
	}
	return nil
}

// role looks a role up by its ARN.
func (b *Broker) role(_ context.Context, arn string) (idpool.RoleARN, error) {
	role, ok := idpool.ParseRoleARN(arn)
	if !ok {
		return role, fmt.Errorf("%.256q is not the ARN of a role", arn)
	}
	if !b.RolesByName {
		return role, fmt.Errorf("role %s does not exist: this server has no IAM roles, and takes them by name in development mode only", arn)
	}
	return role, nil
}

// Authorize says whether a caller may do an action, such as
// "cognito-identity:ListIdentityPools", on a resource: the ARN of it, or "*". An
// account's root may do everything in it. Others need a policy, and there are
// none so far: they may do nothing, except where roles are taken by name and so
// have no policies at all. The error is of kind AccessDenied.
func (b *Broker) Authorize(caller idpool.Caller, action, resource string) error {
	if caller.Root || b.RolesByName {
		return nil
	}
	return idpool.Errorf(idpool.AccessDenied, "User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		caller.ARN, action, resource, action)
}
