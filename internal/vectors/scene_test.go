package vectors

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"idpool/internal/credential"
	"idpool/internal/login/logintest"
)

// scene is one vector under way.
type scene struct {
	*world
	t      *testing.T
	here   *host // where the request goes
	setUp  *host // where what comes before it is done
	down   bool
	dev    bool
	values map[string]string
	roots  map[string]credential.RootKey // by account
}

func newScene(t *testing.T, w *world, vec *vector) *scene {
	t.Helper()
	server := cmp.Or(vec.server, usual)
	v, ok := variants[server]
	if !ok {
		t.Fatalf("there is no server %q", server)
	}
	s := &scene{world: w, t: t, here: w.hosts[server], down: server == "down", dev: server == "dev", roots: map[string]credential.RootKey{}}
	s.values = map[string]string{"account": w.newAccount(), "other": w.newAccount(), "metadata": w.corp.Metadata()}
	switch {
	case s.down:
		s.values["account"] = downAccount
	case server == usual && len(vec.given) == 0 && vec.expect != "ok": // it leaves nothing behind
		s.values["account"] = sharedAccount
	}
	if v.fresh {
		s.here = w.start(t, v)
	}
	if s.setUp = s.here; v.setUp != "" {
		s.setUp = w.hosts[v.setUp]
	}
	return s
}

// expand fills in what a request's text leaves open.
func (s *scene) expand(text string, on *host) string {
	s.t.Helper()
	pieces, err := split(text)
	if err != nil {
		s.t.Fatal(err)
	}
	var out strings.Builder
	for _, p := range pieces {
		value, known := s.values[p.name]
		switch {
		case p.login != "":
			out.WriteString(s.login(s.expand(p.login, on), on.now))
		case p.saml != "":
			out.WriteString(s.response(s.expand(p.saml, on), on.now))
		case p.name == "":
			out.WriteString(p.literal)
		case p.name == "root":
			out.WriteString(s.root(s.values["account"]).ID)
		case known:
			out.WriteString(value)
		default:
			s.t.Fatalf("there is no value ${%s}", p.name)
		}
	}
	return out.String()
}

// login signs a login token: a subject, and what is odd about it.
func (s *scene) login(arguments string, at time.Time) string {
	s.t.Helper()
	words := strings.Fields(arguments)
	issuer := "shop"
	options := []logintest.TokenOption{logintest.Claim("iat", at.Unix()), logintest.Claim("exp", at.Add(time.Hour).Unix()),
		logintest.Claim("iss", "https://"+providerNames[issuer])}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "at":
			issuer = value
			options = append(options, logintest.Claim("iss", "https://"+providerNames[issuer]))
			if issuer == "pool" {
				options = append(options, logintest.Claim("token_use", "id"))
			}
		case "aud":
			options = append(options, logintest.Audience(strings.Split(value, ",")...))
		case "exp", "iat", "nbf":
			by, err := time.ParseDuration(value)
			if err != nil {
				s.t.Fatal(err)
			}
			options = append(options, logintest.Claim(name, at.Add(by).Unix()))
		case "without":
			options = append(options, logintest.Without(value))
		case "key":
			options = append(options, logintest.SignedWith(s.stranger))
		default:
			options = append(options, logintest.Claim(name, jsonOrText(value)))
		}
	}
	if s.issuers[issuer] == nil {
		s.t.Fatalf("login: there is no issuer %q", issuer)
	}
	return s.issuers[issuer].Token(words[0], options...)
}

func jsonOrText(text string) any {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	return v
}

// A step is a call that must succeed, and what its answer is remembered for:
//
//	on earlier, as other, pool = CreateIdentityPool {"IdentityPoolName":"p", …}
var stepForm = regexp.MustCompile(`^(?:on ([a-z]+), )?(?:as ([a-z]+(?:@[a-z0-9-]+)?), )?(?:([A-Za-z0-9:, ]+) = )?([A-Z][A-Za-z]+)(?: (.*))?$`)

// spaces are the spaces of a text, and values whole, in which spaces stay.
var spaces = regexp.MustCompile(`\$\{[^}]*\}| `)

// step does a step, or all of a state.
func (s *scene) step(text string) {
	s.t.Helper()
	if steps, isState := s.states[text]; isState {
		for _, one := range steps {
			s.step(one)
		}
		return
	}
	m := stepForm.FindStringSubmatch(text)
	if m == nil {
		s.t.Fatalf("given: %q is neither a state nor a step", text)
	}
	on := s.setUp
	if m[1] != "" {
		if on = s.hosts[m[1]]; on == nil {
			s.t.Fatalf("given: there is no server %q", m[1])
		}
	}
	body := m[5]
	if !strings.HasPrefix(body, "{") {
		body = spaces.ReplaceAllStringFunc(body, func(s string) string {
			if s == " " {
				return "\n"
			}
			return s
		})
	}
	request := s.call(m[4], body, on)
	s.sign(&request, m[4], m[2], nil, on)
	got := on.send(s.t, request)
	if got.status != "200" {
		s.t.Fatalf("given: %s: %s", text, got.text())
	}
	if m[3] == "" {
		return
	}
	for binding := range strings.SplitSeq(m[3], ", ") {
		name, member, named := strings.Cut(binding, ":")
		if k, ok := kindOf(name); ok && !named {
			member = k.member
		}
		found := in(member, `[^"<]+`).FindStringSubmatch(got.body)
		if member == "" || found == nil {
			s.t.Fatalf("given: %s: no %s in %s", text, binding, got.body)
		}
		s.values[name] = found[1]
	}
}

// call is a plain request to an operation.
func (s *scene) call(op, body string, on *host) message {
	s.t.Helper()
	o, ok := operations[op]
	if !ok {
		s.t.Fatalf("there is no operation %q", op)
	}
	body = s.expand(body, on)
	m := message{method: "POST", target: "/"}
	if o.service.Target != "" {
		m.body = body
		m.header = [][2]string{{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", o.service.Target + "." + op}}
		return m
	}
	m.header = [][2]string{{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}}
	m.body = "Action=" + op + "&Version=" + o.service.Version
	for line := range strings.SplitSeq(body, "\n") {
		if name, value, _ := strings.Cut(line, "="); name != "" {
			m.body += "&" + url.QueryEscape(name) + "=" + url.QueryEscape(value)
		}
	}
	return m
}

// rawForm is a request of which every byte is given.
var rawForm = regexp.MustCompile(`^([A-Z]+) (\S+) HTTP/1\.1(?:\n|$)`)

// raw reads a request that is given whole.
func (s *scene) raw(text string, on *host) message {
	s.t.Helper()
	head, body, _ := strings.Cut(s.expand(text, on), "\n\n")
	first, rest, _ := strings.Cut(head, "\n")
	parts := rawForm.FindStringSubmatch(first)
	m := message{method: parts[1], target: parts[2], body: body}
	for line := range strings.SplitSeq(rest, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			m.header = append(m.header, [2]string{name, value})
		} else if line != "" {
			s.t.Fatalf("the line %q of the request is no header", line)
		}
	}
	return m
}

// sign signs a request for whoever makes it: nobody; the root of the vector's
// account, or of another; or the session that was begun before. A region can
// follow, as in "root@eu-west-1".
func (s *scene) sign(m *message, op, as string, odd []string, on *host) {
	s.t.Helper()
	service := "cognito-identity"
	if o, ok := operations[op]; ok {
		service = o.service.Name
		if as == "" && !o.Public {
			as = "root"
		}
	}
	who, region, _ := strings.Cut(as, "@")
	if region == "" {
		region = "us-east-1"
	}
	sig := signer{region: region, service: service, closing: "aws4_request", at: on.now}
	switch who {
	case "", "nobody":
		return
	case "root":
		root := s.root(s.values["account"])
		sig.key, sig.secret = root.ID, root.Secret
	case "other":
		root := s.root(s.values["other"])
		sig.key, sig.secret = root.ID, root.Secret
	case "session":
		sig.key, sig.secret, sig.session = s.values["key"], s.values["secret"], s.values["session"]
	default:
		s.t.Fatalf("as: there is nobody called %q", who)
	}
	for _, wish := range odd {
		if err := sig.odd(wish); err != nil {
			s.t.Fatal(err)
		}
	}
	sig.sign(m)
}

// root is the root key of an account.
func (s *scene) root(account string) credential.RootKey {
	switch {
	case account == downAccount:
		return credential.RootKey{ID: downKey, Secret: downKey}
	case s.dev: // any secret will do, and the key says the account
		return credential.RootKey{ID: account, Secret: "any"}
	case s.down: // asking for the key is what fails
		return credential.RootKey{ID: "AKIANOBODYCANREADITX", Secret: "any"}
	case account == sharedAccount:
		return s.shared
	case s.roots[account].ID == "":
		s.roots[account] = s.rootKey(s.t, account)
	}
	return s.roots[account]
}

// run does what the vector says and returns the answer, without what every
// answer has.
func (s *scene) run(v *vector) answer {
	s.t.Helper()
	for _, step := range v.given {
		s.step(step)
	}
	var m message
	if rawForm.MatchString(v.request) {
		m = s.raw(v.request, s.here)
	} else {
		m = s.call(v.op, v.request, s.here)
	}
	for _, line := range v.header {
		name, value, _ := strings.Cut(s.expand(line, s.here), ": ")
		m.set(name, value)
	}
	var odd []string
	for _, wish := range v.sign {
		odd = append(odd, s.expand(wish, s.here))
	}
	s.sign(&m, v.op, v.as, odd, s.here)
	got := s.here.send(s.t, m)
	s.checkShared(m, &got)
	return got
}

var requestForm = regexp.MustCompile(`^` + v4 + `$`)

// checkShared checks the headers that every answer has and takes them away.
func (s *scene) checkShared(m message, got *answer) {
	s.t.Helper()
	if length, ok := got.take("Content-Length"); !ok || m.method != "HEAD" && length != fmt.Sprint(len(got.body)) {
		s.t.Errorf("Content-Length %q of a body of %d", length, len(got.body))
	}
	if date, ok := got.take("Date"); !ok || !strings.HasSuffix(date, " GMT") {
		s.t.Errorf("Date %q", date)
	}
	path, _, _ := strings.Cut(m.target, "?")
	request, ok := got.take("x-amzn-RequestId")
	if ok != (path == "/") || ok && !requestForm.MatchString(request) {
		s.t.Errorf("x-amzn-RequestId %q at %s", request, path)
	}
	if ok {
		s.values["request"] = request
	}
	var fault struct{ Message string }
	if err := json.Unmarshal([]byte(got.body), &fault); err == nil && fault.Message != "" { // message or Message
		for i, line := range got.header {
			if line == "x-amzn-ErrorMessage: "+fault.Message {
				got.header[i] = "x-amzn-ErrorMessage: <message>" // once is enough to read
			}
		}
	}
}

// known are the values of the scene, copied.
func (s *scene) known() map[string]string { return maps.Clone(s.values) }
