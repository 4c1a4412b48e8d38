package policy

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Request is what is asked of the policies (IAM User Guide, "The request
// context").
type Request struct {
	Principal Principal // who asks; trust policies only look at it
	Action    string    // such as "sts:AssumeRoleWithWebIdentity"; in any case
	Resource  string    // the ARN of what it is done to, or "*"; trust policies do not look at it
	Context   Context
}

// Context holds the condition keys of a request and their values. The zero value
// has none. A key that is absent is something else than a key without values,
// and than a key with an empty value.
type Context struct {
	keys []contextKey // few: looking through them is quicker than a map
	now  time.Time
}

type contextKey struct {
	name   string // in lower case
	values []string
}

// SetTime gives the keys aws:CurrentTime and aws:EpochTime the values that
// belong to a time, unless Set gives them others. They are written when a policy
// asks, which few do.
func (c *Context) SetTime(now time.Time) { c.now = now.UTC() }

// Set gives a key its values, and takes from it those that it had. The case of a
// key does not matter; lower case is quicker.
func (c *Context) Set(key string, values ...string) {
	name := strings.ToLower(key)
	for i := range c.keys {
		if c.keys[i].name == name {
			c.keys[i].values = values
			return
		}
	}
	if c.keys == nil {
		c.keys = make([]contextKey, 0, 16)
	}
	c.keys = append(c.keys, contextKey{name, values})
}

// Get is the values of a key, and whether it is there.
func (c Context) Get(key string) (values []string, ok bool) {
	return c.find(strings.ToLower(key))
}

// find is Get for a key in lower case.
func (c Context) find(name string) (values []string, ok bool) {
	for i := range c.keys {
		if c.keys[i].name == name {
			return c.keys[i].values, true
		}
	}
	switch {
	case c.now.IsZero():
	case name == "aws:currenttime":
		return []string{c.now.Format(time.RFC3339)}, true
	case name == "aws:epochtime":
		return []string{strconv.FormatInt(c.now.Unix(), 10)}, true
	}
	return nil, false
}

// Policy is a document under the name by which it is attached.
type Policy struct {
	Name     string
	Document *Document
}

// Verdict is how a decision came out, in the words of IAM's simulator.
type Verdict string

// The verdicts.
const (
	Allowed      Verdict = "allowed"
	ExplicitDeny Verdict = "explicitDeny"
	ImplicitDeny Verdict = "implicitDeny" // nothing allows it
)

// Decision is the verdict about a request, and how it was found.
type Decision struct {
	Verdict Verdict `json:"verdict"`
	// Limited says that policies of the identity allow it, and no session policy
	// does.
	Limited  bool      `json:"limited,omitempty"`
	Findings []Finding `json:"findings"` // one for each statement, in order
}

// Finding is what came of one statement.
type Finding struct {
	Policy    string    `json:"policy"`
	Statement int       `json:"statement"` // counted from 1
	Sid       string    `json:"sid,omitempty"`
	Effect    Effect    `json:"effect"`
	Matched   bool      `json:"matched"`
	Failed    Part      `json:"failed,omitempty"`   // the part that did not match
	Condition Condition `json:"condition,omitzero"` // the one that did not hold, if it was a condition
	Missing   string    `json:"missing,omitempty"`  // a policy variable without value that the part was lost by

	statement *statement
}

// Part is a part of a statement.
type Part string

// The parts of a statement.
const (
	PrincipalPart Part = "principal"
	ActionPart    Part = "action"
	ResourcePart  Part = "resource"
	ConditionPart Part = "condition"
)

// Condition is a condition that did not hold.
type Condition struct {
	Operator string   `json:"operator"` // as written
	Key      string   `json:"key"`      // as written
	Wanted   []string `json:"wanted"`   // as written
	Present  bool     `json:"present"`  // whether the request has the key
	Found    []string `json:"found"`
}

// Evaluate decides about a request by policies that stand for the same thing:
// all those of an identity, or the trust policy of a role (IAM User Guide,
// "Policy evaluation logic"). An explicit deny wins, in whatever order they
// come. Every statement is looked at.
func Evaluate(r Request, policies ...Policy) Decision {
	n := 0
	for _, p := range policies {
		n += len(p.Document.statements)
	}
	d := Decision{Verdict: ImplicitDeny, Findings: make([]Finding, 0, n)}
	r.Action = strings.ToLower(r.Action)
	for _, p := range policies {
		for i := range p.Document.statements {
			s := &p.Document.statements[i]
			d.Findings = append(d.Findings, Finding{Policy: p.Name, Statement: i + 1, Sid: s.sid, Effect: s.effect, statement: s})
			f := &d.Findings[len(d.Findings)-1]
			s.look(&r, f)
			switch {
			case f.Matched && s.effect == Deny:
				d.Verdict = ExplicitDeny
			case f.Matched && d.Verdict == ImplicitDeny:
				d.Verdict = Allowed
			}
		}
	}
	return d
}

// EvaluateSession decides about a request of a session: what the policies of its
// identity and its session policies both allow, and neither denies (IAM User
// Guide, "Session policies"). Several session policies allow together. A session
// that was made without any is not limited.
func EvaluateSession(r Request, identity, session []Policy) Decision {
	d := Evaluate(r, identity...)
	if len(session) == 0 {
		return d
	}
	limit := Evaluate(r, session...)
	d.Findings = append(d.Findings, limit.Findings...)
	switch {
	case d.Verdict == ExplicitDeny || limit.Verdict == ExplicitDeny:
		d.Verdict = ExplicitDeny
	case d.Verdict == Allowed && limit.Verdict != Allowed:
		d.Verdict, d.Limited = ImplicitDeny, true
	}
	return d
}

// Pins reports whether one statement that allowed the request pins all of these
// condition keys: it would not have matched, had one of them not had a value
// that the statement names. A role for the identity pools of other accounts
// must pin "aud" and "amr".
func (d Decision) Pins(keys ...string) bool {
	return d.Verdict == Allowed && slices.ContainsFunc(d.Findings, func(f Finding) bool {
		return f.Matched && f.Effect == Allow && !slices.ContainsFunc(keys, func(key string) bool { return !f.statement.pins(strings.ToLower(key)) })
	})
}

// look compares the statement with a request, whose action is in lower case.
func (s *statement) look(r *Request, f *Finding) {
	if s.principals != nil && !s.principals.matches(r.Principal, s.effect) {
		f.Failed = PrincipalPart
		return
	}
	if slices.ContainsFunc(s.actions, func(a string) bool { return glob(a, r.Action) }) == s.exceptActions {
		f.Failed = ActionPart
		return
	}
	if s.resources != nil {
		if ok, missing := s.isAbout(r); !ok {
			f.Failed, f.Missing = ResourcePart, missing
			return
		}
	}
	for i := range s.conditions {
		c := &s.conditions[i]
		if ok, missing := c.met(r.Context); !ok {
			found, present := r.Context.find(c.lookup)
			f.Failed, f.Missing = ConditionPart, missing
			f.Condition = Condition{Operator: c.name, Key: c.key, Wanted: c.wanted, Present: present, Found: found}
			return
		}
	}
	f.Matched = true
}

// isAbout reports whether the statement covers the resource. A resource with a
// variable that has no value is no resource: none matches it.
func (s *statement) isAbout(r *Request) (ok bool, missing string) {
	for _, t := range s.resources {
		pattern, m := t.expand(r.Context)
		if m != "" {
			missing = m
			continue
		}
		if glob(pattern, r.Resource) {
			return !s.exceptThese, ""
		}
	}
	return s.exceptThese, missing
}
