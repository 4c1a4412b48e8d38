package credential

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"idpool/internal/policy"
	"idpool/internal/seal"
)

func keyring(t testing.TB, masters ...byte) *seal.Keyring {
	t.Helper()
	var keys [][]byte
	for _, b := range masters {
		keys = append(keys, bytes.Repeat([]byte{b}, seal.KeySize))
	}
	ring, err := seal.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func sessions(t testing.TB, masters ...byte) *seal.Box {
	return keyring(t, masters...).Box("session tokens")
}

// exampleSession is a session of the enhanced flow.
func exampleSession() Session {
	return Session{
		ID: "4f9a1e2c-0000-4000-8000-000000000000", AccessKeyID: "ASIAABCDEFGHIJKLMNOP", Role: "arn:aws:iam::111122223333:role/team/app", RoleID: "AROAABCDEFGHIJKLMNOPQ",
		Name: "CognitoIdentityCredentials", Account: account, Provider: policy.Provider, Keys: map[string][]string{
			policy.Provider + ":sub": {"us-east-1:0a0a0a0a-1111-7222-8333-444444444444"}, policy.Provider + ":aud": {"us-east-1:12345678-dead-beef-cafe-123456790abc"},
			policy.Provider + ":amr": {"authenticated", "login.example.com", "arn:aws:iam::111122223333:oidc-provider/login.example.com:OIDC:ann"},
		}, Tags: map[string]string{"team": "blue"},
		Issued: testNow, Expires: testNow.Add(time.Hour),
	}
}

func sealed(t testing.TB, box *seal.Box, s Session) Credentials {
	t.Helper()
	c, err := sealSession(box, s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The forms of behaviour 8.6.
var (
	keyIDForm  = regexp.MustCompile(`^ASIA[A-Z2-7]{16}$`)
	secretForm = regexp.MustCompile(`^[A-Za-z0-9+/]{40}$`)
	tokenForm  = regexp.MustCompile(`^[A-Za-z0-9+/]+={0,2}$`)
	roleIDForm = regexp.MustCompile(`^AROA[A-Z2-7]{17}$`)
)

func TestSessionsOpenAsTheyWereSealed(t *testing.T) {
	box := sessions(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 60, -1)
		s := Session{
			ID: text.Draw(t, "ID"), AccessKeyID: newAccessKeyID("ASIA"), Role: text.Draw(t, "role"), RoleID: text.Draw(t, "role ID"), Name: text.Draw(t, "name"),
			Account: text.Draw(t, "account"), User: text.Draw(t, "user"), Provider: text.Draw(t, "provider"), OwnerID: text.Draw(t, "owner"), SourceIdentity: text.Draw(t, "source"), Guest: rapid.Bool().Draw(t, "guest"),
			Issued: testNow, Expires: testNow.Add(time.Duration(rapid.IntRange(900, 43200).Draw(t, "seconds")) * time.Second),
		}
		if amr := rapid.SliceOfN(text, 1, 21).Draw(t, "amr"); rapid.Bool().Draw(t, "keys") {
			s.Keys, s.Policies, s.PolicyARNs, s.TransitiveTags = map[string][]string{"amr": amr, "aud": amr[:1]}, amr, amr[:1], amr
		}
		if tags := rapid.MapOfN(text, text, 0, 5).Draw(t, "tags"); len(tags) > 0 {
			s.Tags = tags
		}
		c, err := sealSession(box, s)
		if err != nil {
			t.Fatal(err)
		}
		if !keyIDForm.MatchString(c.AccessKeyID) || !secretForm.MatchString(c.SecretAccessKey) || !tokenForm.MatchString(c.SessionToken) || !c.Expiration.Equal(s.Expires) {
			t.Fatalf("credentials %+v", c)
		}
		got, secret, err := openSession(box, c.AccessKeyID, c.SessionToken)
		if err != nil || secret != c.SecretAccessKey || !reflect.DeepEqual(got, s) {
			t.Fatalf("sealed %+v, opened %+v, %v", s, got, err)
		}
	})
}

// Nothing of a session can be read from its credentials, and no two are alike.
func TestCredentialsTellNothing(t *testing.T) {
	box, s := sessions(t, 1), exampleSession()
	one, two := sealed(t, box, s), sealed(t, box, s)
	if one.SessionToken == two.SessionToken || one.SecretAccessKey == two.SecretAccessKey {
		t.Errorf("the same session twice: %+v and %+v", one, two)
	}
	raw, err := base64.StdEncoding.DecodeString(one.SessionToken)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"arn:aws", "us-east-1", "authenticated", "ASIA", "2015", one.SecretAccessKey} {
		if bytes.Contains(raw, []byte(word)) || strings.Contains(one.SessionToken, word) {
			t.Errorf("the token shows %s", word)
		}
	}
	if n := len(one.SessionToken); n > 1200 {
		t.Errorf("an ordinary token has %d characters", n)
	}
}

func TestForeignSessionTokens(t *testing.T) {
	box := sessions(t, 1)
	c := sealed(t, box, exampleSession())
	other := sealed(t, box, Session{AccessKeyID: "ASIAPONMLKJIHGFEDCBA", Role: "arn:aws:iam::111122223333:role/admin"})
	raw, _ := base64.StdEncoding.DecodeString(c.SessionToken)
	record := []byte(`{"key":"ASIAABCDEFGHIJKLMNOP","role":"arn:aws:iam::111122223333:role/admin"}`)
	encode := base64.StdEncoding.EncodeToString
	type presented struct {
		box       *seal.Box
		id, token string
	}
	for name, p := range map[string]presented{
		"of another key":              {box, c.AccessKeyID, other.SessionToken},
		"with another key":            {box, other.AccessKeyID, c.SessionToken},
		"with the key in lower case":  {box, strings.ToLower(c.AccessKeyID), c.SessionToken},
		"with no key":                 {box, "", c.SessionToken},
		"with a long-lived key":       {box, "AKIAABCDEFGHIJKLMNOP", c.SessionToken},
		"of another master key":       {sessions(t, 2), c.AccessKeyID, c.SessionToken},
		"sealed for another purpose":  {box, c.AccessKeyID, encode(keyring(t, 1).Box("paging tokens").Seal(record, "session", c.AccessKeyID))},
		"sealed for another place":    {box, c.AccessKeyID, encode(box.Seal(record, "access-key", c.AccessKeyID))},
		"in clear":                    {box, c.AccessKeyID, encode(record)},
		"nothing":                     {box, c.AccessKeyID, ""},
		"no base64":                   {box, c.AccessKeyID, "not a token"},
		"cut":                         {box, c.AccessKeyID, encode(raw[:len(raw)-3])},
		"longer":                      {box, c.AccessKeyID, encode(append(bytes.Clone(raw), 0))},
		"twice":                       {box, c.AccessKeyID, c.SessionToken + c.SessionToken},
		"base64 for addresses":        {box, c.AccessKeyID, base64.URLEncoding.EncodeToString(raw) + "-"},
		"a line break within":         {box, c.AccessKeyID, c.SessionToken[:40] + "\n" + c.SessionToken[40:]},
		"a line break behind":         {box, c.AccessKeyID, c.SessionToken + "\r\n"},
		"a blank before":              {box, c.AccessKeyID, " " + c.SessionToken},
		"padding that is not there":   {box, c.AccessKeyID, c.SessionToken + "="},
		"a million characters":        {box, c.AccessKeyID, strings.Repeat("A", 1_000_000)},
		"a record that is no session": {box, c.AccessKeyID, encode(box.Seal([]byte("[]"), "session", c.AccessKeyID))},
	} {
		s, secret, err := openSession(p.box, p.id, p.token)
		if err == nil || secret != "" {
			t.Errorf("%s: opened %+v", name, s)
		}
		if name != "a record that is no session" && !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1 << (i % 8)
		if _, _, err := openSession(box, c.AccessKeyID, encode(bad)); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("a bit of byte %d: %v", i, err)
		}
	}
	for i := range c.SessionToken {
		bad := c.SessionToken[:i] + string("AB="[i%3]) + c.SessionToken[i+1:]
		if _, _, err := openSession(box, c.AccessKeyID, bad); bad != c.SessionToken && !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("character %d: %v", i, err)
		}
	}
}

// While a master key is replaced, sessions of both are good, with their secrets.
func TestSessionsWhileTheMasterKeyIsReplaced(t *testing.T) {
	s := exampleSession()
	old := sealed(t, sessions(t, 1), s)
	both := sessions(t, 2, 1)
	fresh := sealed(t, both, s)
	for name, c := range map[string]Credentials{"old": old, "new": fresh} {
		if got, secret, err := openSession(both, c.AccessKeyID, c.SessionToken); err != nil || secret != c.SecretAccessKey || !reflect.DeepEqual(got, s) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, _, err := openSession(sessions(t, 1), fresh.AccessKeyID, fresh.SessionToken); !errors.Is(err, seal.ErrKeyUnknown) {
		t.Errorf("a node that knows only the old one: %v", err)
	}
}

func TestSessionNames(t *testing.T) {
	s := exampleSession()
	if got := s.ARN(); got != "arn:aws:sts::111122223333:assumed-role/app/CognitoIdentityCredentials" {
		t.Error(got)
	}
	if got := s.UserID(); got != "AROAABCDEFGHIJKLMNOPQ:CognitoIdentityCredentials" {
		t.Error(got)
	}
	seen := map[string]bool{}
	for i := range 200 {
		id, role := newAccessKeyID("ASIA"), roleID(fmt.Sprintf("arn:aws:iam::111122223333:role/app%d", i))
		if !keyIDForm.MatchString(id) || !roleIDForm.MatchString(role) || seen[id] || seen[role] {
			t.Fatalf("access key %s, role %s", id, role)
		}
		seen[id], seen[role] = true, true
	}
	if a, b := roleID("arn:aws:iam::111122223333:role/app"), roleID("arn:aws:iam::111122223333:role/app"); a != b {
		t.Errorf("one role has two IDs: %s and %s", a, b)
	}
}

// FuzzSessionToken: only what was sealed for a key opens with it, and a token
// has one spelling.
func FuzzSessionToken(f *testing.F) {
	box, s := sessions(f, 1), exampleSession()
	c := sealed(f, box, s)
	f.Add(c.AccessKeyID, c.SessionToken)
	f.Add("AKIAABCDEFGHIJKLMNOP", c.SessionToken)
	f.Add(c.AccessKeyID, "")
	f.Add(c.AccessKeyID, c.SessionToken[:60])
	f.Add(c.AccessKeyID, c.SessionToken+"\n")
	f.Fuzz(func(t *testing.T, id, token string) {
		got, secret, err := openSession(box, id, token)
		if err != nil {
			if secret != "" || !errors.Is(err, seal.ErrOpen) {
				t.Errorf("key %q, token %q: %v", id, token, err)
			}
			return
		}
		raw, _ := base64.StdEncoding.DecodeString(token)
		if id != s.AccessKeyID || !reflect.DeepEqual(got, s) || !secretForm.MatchString(secret) || base64.StdEncoding.EncodeToString(raw) != token {
			t.Errorf("key %q, token %q: opened %+v", id, token, got)
		}
	})
}
