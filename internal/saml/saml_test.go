package saml_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"idpool/internal/saml"
	"idpool/internal/saml/samltest"
)

// now is the time of all tests.
var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// verifier is one at that time, or so much later.
func verifier(later time.Duration) *saml.Verifier {
	return saml.New(saml.Config{Now: func() time.Time { return now.Add(later) }, Audiences: []string{"https://app.example.com"}, Recipients: []string{"https://idpool.example.com/saml"}})
}

const (
	role        = "arn:aws:iam::000000000000:role/staff"
	providerARN = "arn:aws:iam::000000000000:saml-provider/corp"
)

// honest is a wish of everyday.
func honest() samltest.Wish {
	return samltest.Wish{At: now, Attributes: [][]string{
		{saml.RoleAttribute, role + "," + providerARN}, {saml.SessionNameAttribute, "ann"}, {"groups", "one", "two"},
	}}
}

// check is the check that refused a response; empty if it was accepted.
func check(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	why, ok := errors.AsType[*saml.Refusal](err)
	if !ok {
		t.Fatalf("the error %v is no Refusal", err)
	}
	return why.Check
}

func TestAssertion(t *testing.T) {
	t.Parallel()
	p := samltest.NewRSA(entityID)
	wish := honest()
	wish.ID, wish.SessionEnd = "_a1", now.Add(8*time.Hour)
	got, err := verifier(0).Verify(p.Metadata(), p.Signed(wish))
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "_a1" || got.Issuer != entityID || got.Audience != "urn:amazon:webservices" || got.Recipient != "https://signin.aws.amazon.com/saml" {
		t.Errorf("got %+v", got)
	}
	if got.Subject != (saml.NameID{Value: "ann", Format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"}) {
		t.Errorf("subject %+v", got.Subject)
	}
	if got.SessionIndex != "_session" || !got.SessionNotOnOrAfter.Equal(now.Add(8*time.Hour)) || !got.NotOnOrAfter.Equal(now.Add(5*time.Minute)) || !got.Until.Equal(now.Add(6*time.Minute)) {
		t.Errorf("times %+v", got)
	}
	if !slices.Equal(got.Attributes["groups"], []string{"one", "two"}) || len(got.Attributes) != 3 {
		t.Errorf("attributes %q", got.Attributes)
	}
	if roles := got.Roles(providerARN); !slices.Equal(roles, []string{role}) {
		t.Errorf("roles %q", roles)
	}
	if name, err := got.SessionName(); name != "ann" || err != nil {
		t.Errorf("session name %q, %v", name, err)
	}
}

// TestHonest are responses that must be accepted: in each of them ann is ann.
func TestHonest(t *testing.T) {
	t.Parallel()
	signs := samltest.NewRSA(entityID)
	other := samltest.New(entityID)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain := signs.Response(honest())
	hashed := func(h crypto.Hash) func(*samltest.Form) {
		return func(f *samltest.Form) { f.Hash, f.Digest = h, h }
	}
	with := func(change func(*samltest.Wish)) string {
		w := honest()
		change(&w)
		return signs.Sign(signs.Response(w), "Assertion")
	}
	for name, c := range map[string]struct {
		metadata, text string
	}{
		"assertion signed":          {signs.Metadata(), signs.Sign(plain, "Assertion")},
		"response signed":           {signs.Metadata(), signs.Sign(plain, "Response")},
		"both signed":               {signs.Metadata(), signs.Sign(signs.Sign(plain, "Assertion"), "Response")},
		"the second key":            {signs.Metadata(other), signs.Sign(plain, "Assertion")},
		"the first key":             {other.Metadata(signs), signs.Sign(plain, "Assertion")},
		"SHA-384":                   {signs.Metadata(), signs.Sign(plain, "Assertion", hashed(crypto.SHA384))},
		"SHA-512":                   {signs.Metadata(), signs.Sign(plain, "Response", hashed(crypto.SHA512))},
		"P-256":                     {other.Metadata(), other.Sign(plain, "Assertion")},
		"P-384":                     {samltest.WithKey(entityID, p384).Metadata(), samltest.WithKey(entityID, p384).Sign(plain, "Assertion", hashed(crypto.SHA384))},
		"P-521":                     {samltest.WithKey(entityID, p521).Metadata(), samltest.WithKey(entityID, p521).Sign(plain, "Response", hashed(crypto.SHA512))},
		"an XML declaration":        {signs.Metadata(), `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + signs.Sign(plain, "Assertion")},
		"no issuer of the response": {signs.Metadata(), signs.Sign(strings.Replace(plain, "<saml:Issuer>"+entityID+"</saml:Issuer>", "", 1), "Assertion")},
		"a default namespace":       {signs.Metadata(), signs.Sign(strings.NewReplacer("<samlp:", "<", "</samlp:", "</", "xmlns:samlp", "xmlns").Replace(plain), "Assertion")},
		"a key named by name":       {signs.Metadata(), signs.Sign(plain, "Assertion", func(f *samltest.Form) { f.KeyInfo = `<ds:KeyInfo><ds:KeyName>idp</ds:KeyName></ds:KeyInfo>` })},
		"InclusiveNamespaces": {signs.Metadata(), signs.Sign(plain, "Assertion", func(f *samltest.Form) {
			f.Transforms = strings.Replace(f.Transforms, `xml-exc-c14n#"></ds:Transform>`, `xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="none"></ec:InclusiveNamespaces></ds:Transform>`, 1)
		})},
		"no format of the name": {signs.Metadata(), signs.Sign(strings.Replace(plain, ` Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"`, "", 1), "Assertion")},
		"white space between":   {signs.Metadata(), signs.Sign(strings.ReplaceAll(plain, "><", ">\n  <"), "Assertion")},
		"an audience of ours":   {signs.Metadata(), with(func(w *samltest.Wish) { w.Audience = "https://app.example.com" })},
		"a recipient of ours":   {signs.Metadata(), with(func(w *samltest.Wish) { w.Recipient = "https://idpool.example.com/saml" })},
		"a region's recipient":  {signs.Metadata(), with(func(w *samltest.Wish) { w.Recipient = "https://us-gov-west-1.signin.aws.amazon.com/saml" })},
		"the static recipient":  {signs.Metadata(), with(func(w *samltest.Wish) { w.Recipient = "https://eu-west-1.signin.aws.amazon.com/static/saml" })},
		"several audiences":     {signs.Metadata(), with(func(w *samltest.Wish) { w.Audience = "urn:x</saml:Audience><saml:Audience>urn:amazon:webservices" })},
		"used once":             {signs.Metadata(), signs.Sign(strings.Replace(plain, "<saml:AudienceRestriction>", "<saml:OneTimeUse/><saml:AudienceRestriction>", 1), "Assertion")},
		"an attribute that is XML": {signs.Metadata(), with(func(w *samltest.Wish) {
			w.Attributes = append(w.Attributes, []string{"urn:oid:1.3.6.1.4.1.5923.1.1.1.10", "<saml:NameID>opaque</saml:NameID>"})
		})},
		"900 attributes": {signs.Metadata(), with(func(w *samltest.Wish) {
			for range 150 {
				w.Attributes = append(w.Attributes, []string{"g", "1", "2"})
			}
		})},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := verifier(0).Verify(c.metadata, samltest.Post(c.text))
			if err != nil || got.Subject.Value != "ann" {
				t.Errorf("got %q, %v", got.Subject.Value, err)
			}
		})
	}
}

// TestTimes goes to the second before and the second of each bound.
func TestTimes(t *testing.T) {
	t.Parallel()
	p := samltest.New(entityID)
	plain := p.Response(honest())
	stamp := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	long := strings.NewReplacer(`NotOnOrAfter="`+stamp(5*time.Minute)+`"`, `NotOnOrAfter="9999-12-31T23:59:59Z"`).Replace(plain)
	short := strings.Replace(plain, `NotOnOrAfter="`+stamp(5*time.Minute)+`" Recipient`, `NotOnOrAfter="`+stamp(time.Minute)+`" Recipient`, 1)
	ended := strings.Replace(plain, `" NotOnOrAfter="`+stamp(5*time.Minute)+`"><saml:Aud`, `" NotOnOrAfter="`+stamp(2*time.Minute)+`"><saml:Aud`, 1)
	session := honest()
	session.SessionEnd = now.Add(time.Minute)
	for name, c := range map[string]struct {
		text  string
		later time.Duration
		want  string
	}{
		"a minute early":                    {plain, -time.Minute, ""},
		"more than a minute early":          {plain, -time.Minute - time.Second, "start"},
		"five minutes and the skew":         {plain, 6*time.Minute - time.Second, ""},
		"at its end and the skew":           {plain, 6 * time.Minute, "expiry"},
		"redeemed in time":                  {long, 6*time.Minute - time.Second, ""},
		"not redeemed in time":              {long, 6 * time.Minute, "expiry"},
		"confirmed until then":              {short, 2*time.Minute - time.Second, ""},
		"no longer confirmed":               {short, 2 * time.Minute, "expiry"},
		"under its conditions":              {ended, 3*time.Minute - time.Second, ""},
		"not under its conditions":          {ended, 3 * time.Minute, "expiry"},
		"the session at the provider":       {p.Response(session), time.Minute - time.Second, ""},
		"the session at the provider ended": {p.Response(session), time.Minute, "expiry"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verifier(c.later).Verify(p.Metadata(), samltest.Post(p.Sign(c.text, "Assertion")))
			if got := check(t, err); got != c.want {
				t.Errorf("refused for %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

func TestMetadataThatEnded(t *testing.T) {
	t.Parallel()
	p := samltest.New(entityID)
	document := strings.Replace(p.Metadata(), `entityID=`, `validUntil="2026-01-02T03:04:06Z" entityID=`, 1)
	for later, want := range map[time.Duration]string{0: "", time.Second: "metadata"} {
		_, err := verifier(later).Verify(document, p.Signed(honest()))
		if got := check(t, err); got != want {
			t.Errorf("after %s refused for %q, want %q", later, got, want)
		}
	}
}

func TestSessionName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		names []string
		want  error
	}{
		{nil, saml.ErrNoSessionName}, {[]string{"ann"}, nil}, {[]string{"a"}, saml.ErrBadSessionName}, {[]string{"an n"}, saml.ErrBadSessionName},
		{[]string{"ann", "bob"}, saml.ErrBadSessionName}, {[]string{strings.Repeat("a", 64)}, nil}, {[]string{strings.Repeat("a", 65)}, saml.ErrBadSessionName}, {[]string{"ann\n"}, saml.ErrBadSessionName},
	} {
		a := saml.Assertion{Attributes: map[string][]string{saml.SessionNameAttribute: c.names}}
		if _, err := a.SessionName(); err != c.want {
			t.Errorf("%q: got %v, want %v", c.names, err, c.want)
		}
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	a := saml.Assertion{Attributes: map[string][]string{saml.RoleAttribute: {
		role + "," + providerARN, providerARN + ", " + role + "2", role + "3," + providerARN + "2", role, providerARN, "", ",", providerARN + "," + providerARN + "x,",
	}}}
	if got, want := a.Roles(providerARN), []string{role, role + "2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
