package vectors

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"idpool/internal/api/cognito"
	"idpool/internal/api/iam"
	"idpool/internal/api/sts"
	"idpool/internal/wire"
)

// TestMain runs many vectors at once: they wait for the disk, not for a
// processor, and what waits together is committed together.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "32"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

var update = flag.Bool("update", false, "write the answers, and the page of operations, anew")

// services are those of a server, in the order of the page of operations.
var services = []*wire.Service{(&cognito.Service{}).Wire(), (&sts.Service{}).Wire(), (&iam.Service{}).Wire()}

// operation is one of a service.
type operation struct {
	wire.Op
	service *wire.Service
}

var operations = func() map[string]operation {
	all := map[string]operation{}
	for _, s := range services {
		for _, op := range s.Ops {
			all[op.Name] = operation{op, s}
		}
	}
	return all
}()

func TestVectors(t *testing.T) {
	all := readAll(t)
	w := newWorld(t)
	t.Run("of", func(t *testing.T) { // waits for the parallel ones before the servers stop
		for _, v := range all {
			t.Run(v.name, func(t *testing.T) {
				t.Parallel()
				s := newScene(t, w, v)
				got := s.run(v)
				if code := codeOf(got); code != v.expect {
					t.Fatalf("expected %s\ngot %s", v.expect, shortenRuns(got.text()))
				}
				s.compare(v, got)
			})
		}
	})
	t.Run("unsigned", func(t *testing.T) {
		for name, op := range operations {
			s := newScene(t, w, &vector{})
			m := s.call(name, "", s.here)
			if m.get("X-Amz-Target") != "" {
				m.body = "{}"
			}
			missing := strings.HasPrefix(codeOf(s.here.send(t, m)), "MissingAuthenticationToken")
			if missing == op.Public {
				t.Errorf("%s: public %t, refused without a signature %t", name, op.Public, missing)
			}
		}
	})
}

// compare compares the answer, and what its token says, with the vector.
func (s *scene) compare(v *vector, got answer) {
	s.t.Helper()
	before := s.known()
	err := match(v.response, got.text(), s.values)
	said := ""
	if v.token != "" {
		said = s.open(got)
		if tokenErr := match(v.token, said, s.values); err == nil {
			err = tokenErr
		}
	}
	switch {
	case err == nil:
	case *update:
		if err := v.rewrite(describe(got.text(), v.request, before), describe(said, v.request, before)); err != nil {
			s.t.Fatal(err)
		}
	default:
		s.t.Errorf("%v\nthe answer:\n%s\n%s\nexpected:\n%s\n%s\n(-update writes it anew: read the diff)",
			err, describe(got.text(), v.request, before), describe(said, v.request, before), v.response, v.token)
	}
}

var (
	tokenMember = regexp.MustCompile(`"Token":"([^"]+)"`)
	xmlCode     = regexp.MustCompile(`<Code>(.+)</Code>|^<(\w+)/>`)
)

// open verifies the token of an answer with the published keys, and returns
// what it says: its header, and its claims.
func (s *scene) open(got answer) string {
	s.t.Helper()
	found := tokenMember.FindStringSubmatch(got.body)
	if found == nil {
		s.t.Fatalf("no token in %s", got.body)
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(s.here.send(s.t, message{method: "GET", target: "/.well-known/jwks_uri"}).body), &keys); err != nil {
		s.t.Fatal(err)
	}
	token, err := jose.ParseSignedCompact(found[1], []jose.SignatureAlgorithm{jose.RS512})
	if err != nil {
		s.t.Fatal(err)
	}
	claims, err := token.Verify(keys)
	if err != nil {
		s.t.Fatalf("the published keys do not verify the token: %v", err)
	}
	part, _, _ := strings.Cut(found[1], ".")
	header, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(header) + "\n" + string(claims)
}

// codeOf is the one word for an answer: "ok", the error's code, or where it has
// none its status.
func codeOf(a answer) string {
	if strings.HasPrefix(a.status, "2") {
		return "ok"
	}
	var fault struct {
		Type string `json:"__type"`
		Code string `json:"code"`
	}
	if json.Unmarshal([]byte(a.body), &fault) == nil && fault.Type+fault.Code != "" {
		return fault.Type + fault.Code
	}
	if m := xmlCode.FindStringSubmatch(a.body); m != nil {
		return m[1] + m[2]
	}
	return a.status
}
