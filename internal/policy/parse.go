package policy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The bounds of a document. IAM's own quotas are far lower, and are its API's
// business: 2,048 characters for a trust policy, 10,240 for all inline policies
// of a role.
const (
	maxSize       = 131_072 // characters
	maxStatements = 1_000
	maxStrings    = 10_000 // actions, resources, principals and condition values together
	maxVariables  = 1_000  // each can bring in a long value
	maxOnes       = 4_096  // bytes of all strings with a "?" together: see glob
)

// Parse reads a policy document (IAM User Guide, "Grammar of the IAM JSON policy
// language"). Members that the grammar does not know are refused, as is a member
// that an object has twice, at any depth. A version that is left out is
// 2008-10-17, which knows no policy variables.
//
// A trust policy may name only the STS actions that make a session. An Allow for
// the federated principal of identity pools must pin the pool with a condition
// on its key "aud"; without one everybody's pools would be trusted.
//
// The error is an *[Error].
func Parse(text string, kind Kind) (*Document, error) {
	p := &parser{kind: kind}
	d := p.document(text)
	if p.worst != nil {
		return nil, p.worst
	}
	return d, nil
}

// parser reads one document. What is wrong is noted and reading goes on: the
// first complaint by rank is the one that counts.
type parser struct {
	kind      Kind
	variables bool // the version knows policy variables
	worst     *Error
	rank      rank

	strings, holes, ones int // against maxStrings, maxVariables, maxOnes
}

func (p *parser) complain(r rank, where, text string) {
	if p.worst == nil || r < p.rank {
		p.worst, p.rank = &Error{Text: text, Where: where}, r
	}
}

// pick is the text for the parser's kind.
func (p *parser) pick(identity, trust string) string {
	if p.kind == Trust {
		return trust
	}
	return identity
}

func (p *parser) document(text string) *Document {
	d := &Document{source: text}
	if utf8.RuneCountInString(text) > maxSize {
		p.complain(syntax, "longer than "+strconv.Itoa(maxSize)+" characters", textSyntax)
		return d
	}
	v, err := readJSON(text)
	if err != nil {
		p.complain(syntax, err.Error(), p.pick(textSyntax, textTrustJSON))
		return d
	}
	o, ok := v.(object)
	if !ok {
		p.complain(syntax, "not an object", p.pick(textSyntax, textTrustJSON))
		return d
	}
	p.fields("document", o, "Version", "Id", "Statement")
	if v, has := o.get("Id"); has {
		p.text("Id", v)
	}
	version, has := o.get("Version")
	if has && version != "2012-10-17" && version != "2008-10-17" {
		p.complain(syntax, "Version", p.pick(textSyntax, textTrustVersion))
	}
	p.variables = version == "2012-10-17"
	if p.kind == Standalone && !p.variables {
		p.complain(oldVersion, "Version", textOldVersion)
	}
	d.statements = p.statements(o)
	return d
}

func (p *parser) statements(o object) (out []statement) {
	v, _ := o.get("Statement")
	list, ok := v.([]any)
	if one, isOne := v.(object); isOne {
		list, ok = []any{one}, true
	}
	switch {
	case v == nil, ok && len(list) == 0:
		p.complain(syntax, "Statement", p.pick(textSyntax, textTrustEmpty))
	case !ok:
		p.complain(syntax, "Statement", textSyntax)
	case len(list) > maxStatements:
		p.complain(syntax, "more than "+strconv.Itoa(maxStatements)+" statements", textSyntax)
		return nil
	}
	seen := map[string]bool{}
	for i, v := range list {
		where := "statement " + strconv.Itoa(i+1)
		o, ok := v.(object)
		if !ok {
			p.complain(syntax, where, textSyntax)
			continue
		}
		s := p.statement(where, o)
		if s.sid != "" && seen[s.sid] {
			p.complain(sids, where+", Sid", p.pick(textSidTwice, textTrustSidTwice))
		}
		seen[s.sid] = true
		out = append(out, s)
	}
	return out
}

var sidForm = regexp.MustCompile(`^[0-9A-Za-z]*$`)

func (p *parser) statement(where string, o object) (s statement) {
	p.fields(where, o, "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
	if v, has := o.get("Sid"); has {
		if s.sid = p.text(where+", Sid", v); !sidForm.MatchString(s.sid) {
			p.complain(sids, where+", Sid", textSid)
		}
	}
	s.effect = p.effect(where+", Effect", o)
	if v, has := o.get("Condition"); has {
		s.conditions = p.conditions(where+", Condition", v)
	}
	p.who(where, o, &s)
	p.what(where, o, &s)
	p.onWhich(where, o, &s)
	return s
}

func (p *parser) effect(where string, o object) Effect {
	v, has := o.get("Effect")
	s, _ := v.(string)
	switch {
	case s == string(Allow), s == string(Deny):
	case p.kind == Trust && !has:
		p.complain(syntax, where, say(textTrustMissing, "Effect"))
	case p.kind == Trust:
		p.complain(syntax, where, say(textTrustEffect, s))
	case strings.EqualFold(s, string(Allow)), strings.EqualFold(s, string(Deny)):
		p.complain(legacy, where, textLegacy)
	default:
		p.complain(syntax, where, textSyntax)
	}
	return Effect(s)
}

// who reads whom the statement is about.
func (p *parser) who(where string, o object, s *statement) {
	_, not := o.get("NotPrincipal")
	v, has := o.get("Principal")
	where += ", Principal"
	switch {
	case p.kind != Trust && (has || not):
		p.complain(principals, where, textPrincipalProhibited)
	case p.kind != Trust:
	case not && s.effect == Allow:
		p.complain(principals, where, textTrustAllowNot)
	case not:
		p.complain(principals, where, textTrustNotPrincipal)
	case !has:
		p.complain(principals, where, say(textTrustMissing, "Principal"))
	default:
		s.principals = p.principal(where, v)
		for _, provider := range poolProviders {
			if s.effect == Allow && slices.Contains(s.principals.federated, provider) && !s.pins(provider+":aud") {
				p.complain(principals, where, textTrustPool)
			}
		}
	}
}

// what reads the actions.
func (p *parser) what(where string, o object, s *statement) {
	v, has := o.get("Action")
	not, hasNot := o.get("NotAction")
	where += ", Action"
	if has && hasNot {
		p.complain(syntax, where, textSyntax)
	}
	if hasNot {
		v, s.exceptActions = not, true
	}
	var actions []string
	if has || hasNot {
		actions = p.list(where, v)
	}
	if len(actions) == 0 && p.kind == Trust {
		p.complain(noActions, where, say(textTrustMissing, "Action"))
	} else if len(actions) == 0 {
		p.complain(noActions, where, textNoActions)
	}
	for _, a := range actions {
		p.action(where, a)
		s.actions = append(s.actions, wildcards.Replace(strings.ToLower(a)))
	}
}

var vendorForm = regexp.MustCompile(`^[A-Za-z0-9.-]+$`)

// sessionActions are what a trust policy may be about.
var sessionActions = []string{"sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity", "sts:setcontext", "sts:setsourceidentity", "sts:tagsession"}

// action checks one action.
func (p *parser) action(where, a string) {
	vendor, name, colon := strings.Cut(a, ":")
	lower := strings.ToLower(a)
	switch {
	case p.kind == Trust && strings.ContainsAny(a, "*?"):
		pattern := wildcards.Replace(lower)
		if !strings.HasPrefix(lower, "sts:assumerole") || !slices.ContainsFunc(sessionActions, func(known string) bool { return glob(pattern, known) }) {
			p.complain(actionForm, where, textTrustAction)
		}
	case p.kind == Trust:
		if !slices.Contains(sessionActions, lower) {
			p.complain(actionForm, where, textTrustAction)
		}
	case a == "*":
	case !colon:
		p.complain(actionForm, where, textActionVendor)
	case strings.Contains(name, ":"):
		p.complain(actionForm, where, textActionColons)
	case vendor != "*" && !vendorForm.MatchString(vendor):
		p.complain(actionForm, where, say(textVendor, vendor))
	}
}

// onWhich reads the resources.
func (p *parser) onWhich(where string, o object, s *statement) {
	v, has := o.get("Resource")
	not, hasNot := o.get("NotResource")
	where += ", Resource"
	switch {
	case p.kind == Trust && has:
		p.complain(prohibited, where, textTrustResource)
		return
	case p.kind == Trust && hasNot:
		p.complain(prohibited, where, textTrustNotResource)
		return
	case p.kind == Trust:
		return
	case has && hasNot:
		p.complain(syntax, where, textSyntax)
	case hasNot:
		v, s.exceptThese = not, true
	}
	var list []string
	if has || hasNot {
		list = p.list(where, v)
	}
	if len(list) == 0 {
		p.complain(noResources, where, textNoResources)
	}
	for _, r := range list {
		s.resources = append(s.resources, p.resource(where, r))
	}
}

var (
	partitionForm = regexp.MustCompile(`^(?:aws(?:-[a-z0-9-]+)?|minio)$`) // MinIO's roles have a partition of their own
	accountField  = regexp.MustCompile(`^(?:|aws|[0-9*?]{1,12})$`)
)

// resource compiles one resource: "*", or a pattern for ARNs. Components that
// are left out at the end are "*". Variables stand in the last one only.
func (p *parser) resource(where, r string) text {
	if r == "*" {
		return text{plain: anyRun}
	}
	f := splitARN(r, p.variables)
	n := len(f)
	for len(f) < 6 {
		f = append(f, "*")
	}
	early := strings.Join(f[:5], ":")
	switch {
	case p.variables && strings.Contains(early, "${"),
		n > 2 && f[0] == "arn" && f[2] == "",
		n == 5 && f[0] == "arn" && !accountField.MatchString(f[4]):
		p.complain(legacy, where, textLegacy)
	case n == 1:
		p.complain(resourceForm, where, say(textResource, r))
	case f[0] != "arn" || !partitionForm.MatchString(f[1]):
		p.complain(resourceForm, where, say(textPartition, f[1], f[1], f[2], f[3], f[4], f[5]))
	case n == 2:
		p.complain(resourceForm, where, textResourceVendor)
	}
	t, ok := compile(strings.Join(f, ":"), true, p.variables)
	if !ok {
		p.complain(legacy, where, textLegacy)
	}
	return t
}

// conditions reads the element Condition: operator → key → values.
func (p *parser) conditions(where string, v any) (out []condition) {
	byOperator, ok := v.(object)
	if !ok {
		p.complain(syntax, where, textSyntax)
	}
	for _, m := range byOperator {
		where := where + ", " + say("%s", m.name)
		template, ok := parseOperator(m.name)
		byKey, isObject := m.value.(object)
		if !ok || !isObject {
			p.complain(syntax, where, textSyntax)
			continue
		}
		for _, m := range byKey {
			c := template
			c.key, c.lookup = m.name, strings.ToLower(m.name)
			for _, s := range p.values(where, m.value) {
				if !c.add(s, p.variables) {
					p.complain(legacy, where, textLegacy)
				}
			}
			c.finish()
			out = append(out, c)
		}
	}
	return out
}

// fields complains about members that an object should not have.
func (p *parser) fields(where string, o object, known ...string) {
	for _, m := range o {
		if !slices.Contains(known, m.name) {
			p.complain(syntax, where, p.pick(textSyntax, say(textTrustField, m.name)))
		}
	}
}

// text reads a string.
func (p *parser) text(where string, v any) string {
	s, ok := v.(string)
	if !ok {
		p.complain(syntax, where, textSyntax)
	}
	return s
}

// list reads a string, or a list of strings.
func (p *parser) list(where string, v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = p.text(where, v)
		p.strings++
		p.holes += strings.Count(out[i], "${")
		if strings.Contains(out[i], "?") {
			p.ones += len(out[i])
		}
	}
	if p.strings > maxStrings || p.holes > maxVariables || p.ones > maxOnes {
		p.complain(syntax, where+", more strings, variables or question marks than a document may have", textSyntax)
		return nil
	}
	return out
}

// values reads the values of a condition: strings, numbers, booleans, or a list
// of these.
func (p *parser) values(where string, v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	texts := make([]any, len(list))
	for i, v := range list {
		switch v := v.(type) {
		case json.Number:
			texts[i] = v.String()
		case bool:
			texts[i] = strconv.FormatBool(v)
		default:
			texts[i] = v
		}
	}
	return p.list(where, texts)
}
