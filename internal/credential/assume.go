package credential

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"idpool/internal/idpool"
	"idpool/internal/policy"
)

// Assumption is a wish to become a role.
type Assumption struct {
	Role     string // ARN
	Name     string // of the session: 2 to 64 characters
	Action   string // sts:AssumeRole, sts:AssumeRoleWithWebIdentity or sts:AssumeRoleWithSAML
	Duration time.Duration

	// Principal is who asks. What it proved are condition keys of the trust
	// policy; those that outlive the sign-in stay with the session.
	Principal policy.Principal
	Provider  string // the federated principal, if there is one
	Keys      map[string][]string
	Lasting   []string // which of the keys outlive the sign-in
	// PoolAccount is the account of the identity pool that vouches, if one
	// does. A role of another account must then pin the pool and the amr.
	PoolAccount string

	Tags           map[string]string
	TransitiveTags []string
	SourceIdentity string
	Policies       []string // session policies: documents
	PolicyARNs     []string // session policies: managed
	Guest          bool     // the scope-down policies for guests apply

	SourceIP string
	Secure   bool

	caller idpool.Caller // who signed, if somebody did
	who    *principal    // the same as IAM knows them; nil for root
}

// ByOpenID is the wish of somebody whom our own OpenID token describes.
func ByOpenID(role, name string, o idpool.OpenID, d time.Duration) Assumption {
	return Assumption{
		Role: role, Name: name, Action: "sts:AssumeRoleWithWebIdentity", Duration: d,
		Principal: policy.Principal{Federated: policy.Provider}, Provider: policy.Provider,
		Keys: map[string][]string{
			openIDKeys[0]: {string(o.Pool)},
			openIDKeys[1]: o.AMR,
			openIDKeys[2]: {string(o.Identity)},
		},
		Lasting: openIDKeys, PoolAccount: o.Account, Tags: o.Tags,
	}
}

// openIDKeys are the condition keys of our own OpenID tokens.
var openIDKeys = []string{policy.Provider + ":aud", policy.Provider + ":amr", policy.Provider + ":sub"}

// Assume makes a session of a role. The error is of kind AccessDenied, always
// with the same text, if there is no such role or it does not trust who asks;
// Malformed for tags that a session cannot have, MalformedPolicy for a session
// policy that is none, TooLarge for too much of either, Invalid for a duration
// beyond the role's.
func (b *Broker) Assume(ctx context.Context, a Assumption) (Session, Credentials, error) {
	arn, ok := idpool.ParseRoleARN(a.Role)
	if !ok {
		return Session{}, Credentials{}, a.refused(fmt.Errorf("%.256q is not the ARN of a role", a.Role))
	}
	id, err := b.trusted(ctx, arn, a)
	if err != nil {
		return Session{}, Credentials{}, err
	}
	if err := a.check(); err != nil {
		return Session{}, Credentials{}, err
	}
	now := b.Now().UTC().Truncate(time.Second)
	s := Session{
		ID: idpool.NewRequestID(), AccessKeyID: newAccessKeyID("ASIA"), Account: arn.Account,
		Role: arn.String(), RoleID: id, Name: a.Name,
		Provider: a.Provider, Keys: make(map[string][]string, len(a.Lasting)),
		Tags: a.Tags, TransitiveTags: a.TransitiveTags, SourceIdentity: a.SourceIdentity,
		Policies: a.Policies, PolicyARNs: a.PolicyARNs, Guest: a.Guest,
		Issued: now, Expires: now.Add(a.Duration),
	}
	for _, key := range a.Lasting {
		s.Keys[key] = a.Keys[key]
	}
	if _, err := b.sessionPolicies(ctx, s); err != nil { // so that later requests need not wonder
		return Session{}, Credentials{}, badSessionPolicy(err)
	}
	credentials, err := b.mint(s)
	return s, credentials, err
}

// trusted makes sure that the role trusts who asks, and returns the role's ID. A
// role that does not exist is trusted by its name where RolesByName says so.
func (b *Broker) trusted(ctx context.Context, arn idpool.RoleARN, a Assumption) (id string, err error) {
	role, err := b.role(ctx, arn)
	if idpool.IsNotFound(err) {
		if b.RolesByName {
			return roleID(arn.String()), nil
		}
		return "", a.refused(fmt.Errorf("role %s does not exist", arn))
	}
	if err != nil {
		return "", err
	}
	r := a.request(b)
	d := policy.Evaluate(r, role.trust)
	if d.Verdict != policy.Allowed {
		return "", a.refused(explain(d))
	}
	if a.PoolAccount != "" && a.PoolAccount != arn.Account && !d.Pins(policy.Provider+":aud", policy.Provider+":amr") {
		return "", a.refused(fmt.Errorf("the pool is in account %s, and the role's trust policy does not pin both its aud and its amr", a.PoolAccount))
	}
	for _, action := range a.besides() {
		r.Action = action
		if d := policy.Evaluate(r, role.trust); d.Verdict != policy.Allowed {
			return "", a.refused(fmt.Errorf("%s: %w", action, explain(d)))
		}
	}
	if a.Duration > role.role.MaxSession { // only whom the role trusts learns of it
		return "", idpool.Errorf(idpool.Invalid, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return role.role.ID, nil
}

// besides are the actions that must be allowed beside the one asked for.
func (a Assumption) besides() (actions []string) {
	if len(a.Tags) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	if a.SourceIdentity != "" {
		actions = append(actions, "sts:SetSourceIdentity")
	}
	return actions
}

// tagKeys are the keys of the tags, in order.
func (a Assumption) tagKeys() []string {
	if len(a.Tags) == 0 { // as for most
		return nil
	}
	return slices.Sorted(maps.Keys(a.Tags))
}

// request is what the trust policy is asked.
func (a Assumption) request(b *Broker) policy.Request {
	r := policy.Request{Principal: a.Principal, Action: a.Action}
	b.global(&r.Context, a.SourceIP, a.Secure)
	if a.Principal.ARN != "" {
		describe(&r.Context, a.caller, a.who)
	}
	for key, values := range a.Keys {
		r.Context.Set(key, values...)
	}
	r.Context.Set("sts:rolesessionname", a.Name)
	if a.Provider != "" {
		r.Context.Set("aws:federatedprovider", a.Provider)
	}
	if len(a.Tags) > 0 {
		r.Context.Set("aws:TagKeys", a.tagKeys()...)
		for key, value := range a.Tags {
			r.Context.Set("aws:RequestTag/"+key, value)
		}
	}
	if len(a.TransitiveTags) > 0 {
		r.Context.Set("sts:TransitiveTagKeys", a.TransitiveTags...)
	}
	if a.SourceIdentity != "" {
		r.Context.Set("sts:SourceIdentity", a.SourceIdentity)
	}
	return r
}

// refused is deliberately the same for whatever is wrong with a role or its
// trust (behaviour 8.2).
func (a Assumption) refused(cause error) error {
	if a.Principal.ARN != "" {
		return idpool.Errorf(idpool.AccessDenied, "User: %s is not authorized to perform: %s on resource: %s", a.Principal.ARN, a.Action, a.Role).Because(cause)
	}
	return idpool.Errorf(idpool.AccessDenied, "Not authorized to perform %s", a.Action).Because(cause)
}

// malformed words what is wrong with a policy document.
func malformed(err error) error {
	text := "Syntax errors in policy."
	if e, ok := errors.AsType[*policy.Error](err); ok {
		text = e.Text
	}
	return idpool.Errorf(idpool.MalformedPolicy, "%s", text).Because(err)
}

// badSessionPolicy words what is wrong with a session policy.
func badSessionPolicy(err error) error {
	if idpool.IsNotFound(err) {
		return idpool.Errorf(idpool.Invalid, "A session policy does not exist.").Because(err)
	}
	return err
}

// The bounds of session tags (behaviour 6.6, 8.5) and session policies.
const (
	maxTags       = 50
	maxTagKey     = 128
	maxTagValue   = 256
	maxPacked     = 2048 // bytes of tags and policies together
	maxOpenIDTags = 460  // bytes of the tags of an OpenID token
)

var tagForm = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// PackedSize is how much of the room for session policies and tags is used, in
// per cent.
func (a Assumption) PackedSize() int {
	size := 0
	for key, value := range a.Tags {
		size += len(key) + len(value)
	}
	for _, text := range slices.Concat(a.Policies, a.PolicyARNs) {
		size += len(text)
	}
	return (100*size + maxPacked - 1) / maxPacked
}

// check refuses tags that could be read as something else in a policy, and what
// does not fit into a session.
func (a Assumption) check() error {
	size, seen := 0, map[string]bool{}
	for _, key := range a.tagKeys() {
		value, folded := a.Tags[key], strings.ToLower(key)
		size += len(key) + len(value)
		switch {
		case seen[folded]:
			return idpool.Errorf(idpool.Malformed, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		case key == "" || utf8.RuneCountInString(key) > maxTagKey || utf8.RuneCountInString(value) > maxTagValue,
			strings.HasPrefix(folded, "aws:"), !tagForm.MatchString(key), !tagForm.MatchString(value):
			return idpool.Errorf(idpool.Malformed, "The session tag %.128q cannot be passed.", key)
		}
		seen[folded] = true
	}
	room := maxPacked
	if a.PoolAccount != "" {
		room = maxOpenIDTags
	}
	if len(a.Tags) > maxTags || size > room {
		return idpool.Errorf(idpool.TooLarge, "Packed size of session tags consumes %d%% of allotted space.", max(101, 100*size/room))
	}
	if packed := a.PackedSize(); packed > 100 {
		return idpool.Errorf(idpool.TooLarge, "Packed size of session policies and tags consumes %d%% of allotted space.", packed)
	}
	for _, text := range a.Policies {
		if _, err := policy.Parse(text, policy.Identity); err != nil {
			return malformed(err)
		}
	}
	return nil
}

// CheckRole reports whether a caller may give the role to a pool of its account:
// the role must exist there, and the caller must be allowed iam:PassRole. The
// error is of kind NotAuthorized, with the hosted service's text.
func (b *Broker) CheckRole(ctx context.Context, caller idpool.Caller, arn string) error {
	role, ok := idpool.ParseRoleARN(arn)
	switch {
	case !ok:
		return forbiddenRole(arn, fmt.Errorf("%.256q is not the ARN of a role", arn))
	case role.Account != caller.Account:
		return forbiddenRole(arn, fmt.Errorf("role of account %s, pool of account %s", role.Account, caller.Account))
	}
	_, err := b.role(ctx, role)
	switch {
	case idpool.IsNotFound(err) && !b.RolesByName:
		return forbiddenRole(arn, fmt.Errorf("role %s does not exist", arn))
	case err != nil && !idpool.IsNotFound(err):
		return err
	}
	return b.MayPass(ctx, caller, arn)
}

// MayPass reports whether a caller may give the role to a pool, whoever's role it
// is: the caller must be allowed iam:PassRole. The error is of kind NotAuthorized,
// with the hosted service's text.
func (b *Broker) MayPass(ctx context.Context, caller idpool.Caller, arn string) error {
	pass := Request{Caller: caller, Action: "iam:PassRole", Resource: arn}
	pass.Context.Set("iam:PassedToService", policy.Provider)
	err := b.Authorize(ctx, pass)
	if idpool.KindOf(err) == idpool.AccessDenied {
		return forbiddenRole(arn, err)
	}
	return err
}

func forbiddenRole(arn string, cause error) error {
	return idpool.Errorf(idpool.NotAuthorized, "Access to Role '%s' is forbidden.", arn).Because(cause)
}

// MayAssume says whether a caller may ask for the role at all, and completes the
// wish with who asks. Whom the trust policy names itself, in the role's own
// account, needs no permission of their own, but a deny and session policies
// count; everybody else needs the permission too (IAM User Guide, "Policy
// evaluation logic"). The error is of kind AccessDenied.
func (b *Broker) MayAssume(ctx context.Context, caller idpool.Caller, a *Assumption, externalID string) error {
	if caller.Root && !b.AnyCaller {
		return idpool.Errorf(idpool.AccessDenied, "Roles may not be assumed by root accounts.")
	}
	who, err := b.whoIs(ctx, caller)
	if err != nil && !idpool.IsNotFound(err) { // Authorize says that one is gone
		return err
	}
	a.Principal, a.caller, a.who = policy.Principal{ARN: caller.ARN, Role: caller.Role()}, caller, who
	if externalID != "" {
		a.Keys = maps.Clone(a.Keys)
		if a.Keys == nil {
			a.Keys = map[string][]string{}
		}
		a.Keys["sts:ExternalId"] = []string{externalID}
	}
	arn, ok := idpool.ParseRoleARN(a.Role)
	if !ok || caller.Root {
		return nil // Assume says what is wrong
	}
	role, err := b.role(ctx, arn)
	if err != nil && !idpool.IsNotFound(err) {
		return err
	}
	named := false // the trust policy trusts the caller, and not because of the account
	if err == nil && arn.Account == caller.Account {
		r := a.request(b)
		byAccount := r
		byAccount.Principal = policy.Principal{ARN: idpool.RootARN(caller.Account)}
		named = policy.Evaluate(r, role.trust).Verdict == policy.Allowed && policy.Evaluate(byAccount, role.trust).Verdict != policy.Allowed
	}
	for _, action := range append([]string{a.Action}, a.besides()...) {
		r := Request{Caller: caller, Action: action, Resource: a.Role, Context: a.request(b).Context, SourceIP: a.SourceIP, Secure: a.Secure, Named: named}
		if err == nil {
			r.ResourceTags(role.role.Tags)
		}
		if err := b.Authorize(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// mint turns a session into credentials.
func (b *Broker) mint(s Session) (Credentials, error) {
	b.Minted.Add(1)
	return sealSession(b.Sessions, s)
}

// SessionToken makes temporary credentials of a user's or root's own.
func (b *Broker) SessionToken(caller idpool.Caller, lasts time.Duration) (Credentials, error) {
	now := b.Now().UTC().Truncate(time.Second)
	return b.mint(Session{
		ID: idpool.NewRequestID(), AccessKeyID: newAccessKeyID("ASIA"), Account: caller.Account, User: caller.User, OwnerID: caller.UserID,
		Issued: now, Expires: now.Add(lasts),
	})
}

// AccountOf is the account of a long-lived access key. A missing one is
// NotFound.
func (b *Broker) AccountOf(ctx context.Context, accessKeyID string) (string, error) {
	key, err := b.accessKey(ctx, accessKeyID)
	return key.account, err
}
