package credential

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/policy"
)

// Request is what a caller wants to do.
type Request struct {
	Caller   idpool.Caller
	Action   string         // such as "cognito-identity:ListIdentityPools"
	Resource string         // ARN, "*", or empty for an action that is about none
	Context  policy.Context // what the operation knows: aws:RequestTag, aws:ResourceTag …
	SourceIP string         // empty if the client has no address
	Secure   bool           // the request came over TLS
	// Named says that a policy of the resource names the caller and allows it.
	// Then the caller's own policies need not allow it too; a deny in them and
	// the policies of the session count all the same.
	Named bool
}

// RequestTags sets the condition keys of the tags that the request sets, and of
// the keys that it removes.
func (r *Request) RequestTags(tags map[string]string, removed ...string) {
	for key, value := range tags {
		r.Context.Set("aws:RequestTag/"+key, value)
	}
	if keys := slices.Concat(slices.Sorted(maps.Keys(tags)), removed); len(keys) > 0 {
		r.Context.Set("aws:TagKeys", keys...)
	}
}

// ResourceTags sets the condition keys of the tags of the resource.
func (r *Request) ResourceTags(tags map[string]string) {
	for key, value := range tags {
		r.Context.Set("aws:ResourceTag/"+key, value)
	}
}

// Authorize says whether a caller may do an action on a resource. An account's
// root may do everything in it; a user what its policies allow; a session of a
// role what the role's policies allow, and its session policies too. The error
// is of kind AccessDenied, with the hosted service's text, and says for the
// operator what every statement came to.
func (b *Broker) Authorize(ctx context.Context, r Request) error {
	c := r.Caller
	if c.Root {
		return nil
	}
	identity, session, err := b.grantsOf(ctx, c)
	switch {
	case err != nil && idpool.KindOf(err) == idpool.NotFound:
		return r.denied("", err) // the role or the user is gone
	case err != nil:
		return err
	case identity == nil && b.RolesByName:
		return nil // a role by name has no policies
	case identity == nil:
		return r.denied("no identity-based policy allows", fmt.Errorf("role %s does not exist", c.Role()))
	case identity.unusable != nil:
		return r.denied("no identity-based policy allows", identity.unusable)
	}
	b.global(&r.Context, r.SourceIP, r.Secure)
	describe(&r.Context, c, identity)
	asked := policy.Request{Principal: policy.Principal{ARN: c.ARN, Role: c.Role()}, Action: r.Action, Resource: r.Resource, Context: r.Context}
	d := policy.EvaluateSession(asked, identity.grants, session)
	if r.Named && d.Verdict == policy.ImplicitDeny && !d.Limited {
		if len(session) == 0 {
			return nil
		}
		d = policy.Evaluate(asked, session...)
		d.Limited = d.Verdict == policy.ImplicitDeny
	}
	switch {
	case d.Verdict == policy.Allowed:
		return nil
	case d.Verdict == policy.ExplicitDeny:
		return r.denied("explicit", explain(d))
	case d.Limited:
		return r.denied("no session policy allows", explain(d))
	}
	return r.denied("no identity-based policy allows", explain(d))
}

// denied words a refusal (behaviour 1.6).
func (r Request) denied(why string, cause error) error {
	tail := " because " + why + " the " + r.Action + " action"
	switch why {
	case "":
		tail = ""
	case "explicit":
		tail = " with an explicit deny"
	}
	if r.Resource != "" {
		tail = " on resource: " + r.Resource + tail
	}
	return idpool.Errorf(idpool.AccessDenied, "User: %s is not authorized to perform: %s%s", r.Caller.ARN, r.Action, tail).Because(cause)
}

// grantsOf are the policies of whoever calls. The principal is nil for a role
// that does not exist, where roles are taken by their names.
func (b *Broker) grantsOf(ctx context.Context, c idpool.Caller) (p *principal, session []policy.Policy, err error) {
	p, err = b.whoIs(ctx, c)
	if p == nil || c.User != "" {
		return p, nil, err
	}
	session, err = b.sessionPolicies(ctx, *c.Session)
	return p, session, err
}

// whoIs is a caller as IAM knows them: nil for root, and for a role that does not
// exist, where roles are taken by their names. Whoever is gone is NotFound.
func (b *Broker) whoIs(ctx context.Context, c idpool.Caller) (*principal, error) {
	if c.Root {
		return nil, nil
	}
	if c.User != "" {
		return b.user(ctx, c.Account, c.User)
	}
	arn, ok := idpool.ParseRoleARN(c.Role())
	if !ok {
		return nil, idpool.Errorf(idpool.NotFound, "%s is neither root nor a user nor a session of a role", c.ARN)
	}
	p, err := b.role(ctx, arn)
	switch {
	case idpool.IsNotFound(err) && b.RolesByName:
		return nil, nil
	case err != nil:
		return nil, err
	case p.role.ID != c.Session.RoleID:
		return nil, idpool.Errorf(idpool.NotFound, "role %s was deleted, and this one has its name", arn)
	}
	return p, nil
}

// sessionPolicies are the policies that limit a session; none if it has none.
func (b *Broker) sessionPolicies(ctx context.Context, s Session) (list []policy.Policy, err error) {
	if s.Guest {
		list = append(list, b.GuestPolicies...)
	}
	for i, text := range s.Policies {
		document, err := policy.Parse(text, policy.Identity)
		if err != nil {
			return nil, fmt.Errorf("session policy: %w", err) // it was parsed when the session was made
		}
		list = append(list, policy.Policy{Name: fmt.Sprintf("session policy %d", i+1), Document: document})
	}
	if len(s.PolicyARNs) == 0 {
		return list, nil
	}
	managed, err := b.managedPolicies(ctx, s.Account, s.PolicyARNs)
	return append(list, managed...), err
}

// managedPolicies reads and parses managed policies.
func (b *Broker) managedPolicies(ctx context.Context, account string, arns []string) (list []policy.Policy, err error) {
	err = b.Store.View(ctx, func(r idpool.Reader) error {
		list = nil // the view may be tried again
		for _, arn := range arns {
			text, err := managedPolicy(ctx, r, account, arn)
			if err != nil {
				return err
			}
			document, err := policy.Parse(text, policy.Identity)
			if err != nil {
				return err
			}
			list = append(list, policy.Policy{Name: arn, Document: document})
		}
		return nil
	})
	return list, err
}

// describe adds the condition keys of a caller (IAM User Guide, "AWS global
// condition context keys"). Tags of the session override those of the role or
// user.
func describe(ctx *policy.Context, c idpool.Caller, p *principal) {
	ctx.Set("aws:PrincipalAccount", c.Account)
	ctx.Set("aws:PrincipalArn", cmp.Or(c.Role(), c.ARN))
	ctx.Set("aws:userid", c.UserID)
	ctx.Set("aws:RequestedRegion", c.Region)
	ctx.Set("aws:PrincipalIsAWSService", "false")
	var tags map[string]string
	switch s := c.Session; {
	case c.Role() != "":
		ctx.Set("aws:PrincipalType", "AssumedRole")
		if s.Provider != "" {
			ctx.Set("aws:FederatedProvider", s.Provider)
		}
		if s.SourceIdentity != "" {
			ctx.Set("aws:SourceIdentity", s.SourceIdentity)
		}
		for key, values := range s.Keys {
			ctx.Set(key, values...)
		}
		if p != nil {
			tags = p.role.Tags
		}
	case c.User != "":
		ctx.Set("aws:PrincipalType", "User")
		ctx.Set("aws:username", c.User)
		if p != nil {
			tags = p.user.Tags
		}
	default:
		ctx.Set("aws:PrincipalType", "Account")
	}
	for key, value := range tags {
		ctx.Set("aws:PrincipalTag/"+key, value)
	}
	ctx.Set("aws:ViaAWSService", "false")
	if c.Session != nil { // temporary credentials
		ctx.Set("aws:MultiFactorAuthPresent", "false") // there is none; a long-lived key does not say
		ctx.Set("aws:TokenIssueTime", c.Session.Issued.UTC().Format(time.RFC3339))
		for key, value := range c.Session.Tags {
			ctx.Set("aws:PrincipalTag/"+key, value)
		}
	}
}

// global adds what is known of any request.
func (b *Broker) global(ctx *policy.Context, sourceIP string, secure bool) {
	ctx.SetTime(b.Now())
	ctx.Set("aws:securetransport", strconv.FormatBool(secure))
	if sourceIP != "" {
		ctx.Set("aws:sourceip", sourceIP)
	}
}

// Denial says what each statement came to, for the operator.
type Denial struct{ policy.Decision }

func explain(d policy.Decision) error { return &Denial{d} }

// Error is one line: the statements that spoke, and the first condition of each
// other that failed.
func (d *Denial) Error() string {
	if len(d.Findings) == 0 {
		return "there is no policy"
	}
	var b strings.Builder
	for i, f := range d.Findings {
		if i == maxFindings {
			fmt.Fprintf(&b, "; and %d more", len(d.Findings)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s, statement %d (%s)", f.Policy, f.Statement, f.Effect)
		switch {
		case f.Matched:
			b.WriteString(" matched")
		case f.Failed == policy.ConditionPart:
			fmt.Fprintf(&b, ": %s of %s wants %q, found %q", f.Condition.Operator, f.Condition.Key, f.Condition.Wanted, f.Condition.Found)
		default:
			fmt.Fprintf(&b, ": %s does not match", f.Failed)
		}
		if f.Missing != "" {
			fmt.Fprintf(&b, " (%s has no value)", f.Missing)
		}
	}
	return b.String()
}

// maxFindings bounds the line.
const maxFindings = 20
