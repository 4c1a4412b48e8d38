package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/upstream"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const secret = "wJalrXUtnFEMI/K7MDENG+secret"

// answer is what a good STS says. The root's name and space differ between them.
const answer = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>` +
	`<AssumedRoleUser><Arn></Arn><AssumeRoleId></AssumeRoleId></AssumedRoleUser>` +
	`<Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>` + secret + `</SecretAccessKey><SessionToken>to/ken==</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration></Credentials>` +
	`</AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>`

func refusal(code string) string {
	return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>` + code + `</Code><Message>no</Message></Error></ErrorResponse>`
}

// sts is a server that gives one answer after the other, the last one for ever.
func sts(t *testing.T, answers ...http.HandlerFunc) (*upstream.STS, *atomic.Int32) {
	t.Helper()
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(asked.Add(1))
		answers[min(n, len(answers))-1](w, r)
	}))
	t.Cleanup(srv.Close)
	return at(t, srv.URL), &asked
}

func at(t *testing.T, url string) *upstream.STS {
	t.Helper()
	set, err := upstream.New(upstream.Config{
		Servers: []upstream.Server{{Name: "store", Endpoint: url}}, Rules: []upstream.Rule{{Match: "*", Server: "store"}}, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return set.For("arn:minio:iam:::role/r")
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

var wish = upstream.Wish{Role: "arn:minio:iam:::role/r", Name: "CognitoIdentityCredentials", Token: "header.payload.signature", Duration: time.Hour}

func TestAssume(t *testing.T) {
	t.Parallel()
	asked := make(chan http.Request, 1)
	s, _ := sts(t, func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		asked <- *r
		says(200, answer)(w, r)
	})
	w := wish
	w.Policy = `{"Version":"2012-10-17"}`
	got, err := s.Assume(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	want := credential.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: secret, SessionToken: "to/ken==", Expiration: now.Add(time.Hour)}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	r := <-asked
	for key, value := range map[string]string{
		"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": wish.Role, "RoleSessionName": wish.Name,
		"WebIdentityToken": wish.Token, "DurationSeconds": "3600", "Policy": w.Policy,
	} {
		if got := r.PostForm.Get(key); got != value {
			t.Errorf("%s is %q, want %q", key, got, value)
		}
	}
	if r.Header.Get("Authorization") != "" || r.URL.RawQuery != "" {
		t.Errorf("it was signed, or the token stands in the address: %v", r.URL)
	}
}

// What a server says decides whether it is asked again, and whose fault it is.
func TestAnswers(t *testing.T) {
	t.Parallel()
	good := says(200, answer)
	change := func(old, new string) http.HandlerFunc { return says(200, strings.ReplaceAll(answer, old, new)) }
	for name, c := range map[string]struct {
		answers []http.HandlerFunc
		asked   int
		kind    idpool.Kind // -1: it works
		cause   string
	}{
		"without a name space":     {[]http.HandlerFunc{change(` xmlns="https://sts.amazonaws.com/doc/2011-06-15/"`, "")}, 1, -1, ""},
		"refused":                  {[]http.HandlerFunc{says(403, refusal("AccessDenied"))}, 1, idpool.AccessDenied, `upstream store: status 403: AccessDenied: "no"`},
		"refused as a store does":  {[]http.HandlerFunc{says(403, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>`)}, 1, idpool.AccessDenied, "status 403: AccessDenied"},
		"a token it does not like": {[]http.HandlerFunc{says(400, refusal("InvalidIdentityToken"))}, 1, idpool.AccessDenied, "InvalidIdentityToken"},
		"refused with our token":   {[]http.HandlerFunc{says(400, strings.Replace(refusal("ValidationError"), "no<", "Value '"+wish.Token+"' at 'webIdentityToken' is too long<", 1))}, 1, idpool.AccessDenied, "Value 'TOKEN' at"},
		"once too busy":            {[]http.HandlerFunc{says(503, "busy"), good}, 2, -1, ""},
		"twice too busy":           {[]http.HandlerFunc{says(400, refusal("Throttling")), says(429, refusal("SlowDown")), good}, 3, -1, ""},
		"it cannot ask us":         {[]http.HandlerFunc{says(400, refusal("IDPCommunicationError")), good}, 2, -1, ""},
		"always broken":            {[]http.HandlerFunc{says(500, refusal("InternalFailure"))}, 3, idpool.Upstream, "status 500: InternalFailure"},
		"a redirect": {[]http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}}, 3, idpool.Upstream, "status 307, and no error of an STS"},
		"a page":                    {[]http.HandlerFunc{says(404, "<html><body>nothing here</body></html>")}, 3, idpool.Upstream, "status 404, and no error of an STS"},
		"a page that is well":       {[]http.HandlerFunc{says(200, "<html><body>welcome</body></html>")}, 3, idpool.Upstream, "an answer with 0 credentials"},
		"JSON":                      {[]http.HandlerFunc{says(200, `{"Credentials":{}}`)}, 3, idpool.Upstream, "an answer that is not XML"},
		"cut off":                   {[]http.HandlerFunc{says(200, answer[:len(answer)/2])}, 3, idpool.Upstream, "an answer that is not XML"},
		"two credentials":           {[]http.HandlerFunc{change("</Credentials>", "</Credentials><Credentials/>")}, 3, idpool.Upstream, "an answer with 2 credentials"},
		"no session token":          {[]http.HandlerFunc{change("to/ken==", "")}, 3, idpool.Upstream, "an answer whose SessionToken is none"},
		"a session token in lines":  {[]http.HandlerFunc{change("to/ken==", "to\nken")}, 3, idpool.Upstream, "an answer whose SessionToken is none"},
		"a session token too long":  {[]http.HandlerFunc{change("to/ken==", strings.Repeat("x", 20_000))}, 3, idpool.Upstream, "an answer whose SessionToken is none"},
		"credentials of yesterday":  {[]http.HandlerFunc{change("2026-01-02T04", "2026-01-01T04")}, 3, idpool.Upstream, `an answer whose credentials end at "2026-01-01T04:04:05Z"`},
		"credentials without end":   {[]http.HandlerFunc{change("2026-01-02T04:04:05Z", "never")}, 3, idpool.Upstream, `an answer whose credentials end at "never"`},
		"an answer without end":     {[]http.HandlerFunc{endless}, 3, idpool.Upstream, "an answer of more than 262144 bytes"},
		"entities that would swell": {[]http.HandlerFunc{says(200, `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>`)}, 3, idpool.Upstream, "an answer that is not XML"},
		"deep":                      {[]http.HandlerFunc{says(200, strings.Repeat("<a>", 50_000))}, 3, idpool.Upstream, "an answer that is not XML"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, asked := sts(t, c.answers...)
			got, err := s.Assume(t.Context(), wish)
			if n := int(asked.Load()); n != c.asked {
				t.Errorf("asked %d times, want %d", n, c.asked)
			}
			if c.kind == -1 {
				if err != nil || got.SecretAccessKey != secret {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			if idpool.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.cause) {
				t.Errorf("error %v of kind %d, want kind %d and %q", err, idpool.KindOf(err), c.kind, c.cause)
			}
			if got != (credential.Credentials{}) {
				t.Errorf("credentials beside the error: %+v", got)
			}
			for _, hidden := range []string{secret, wish.Token, "to/ken=="} {
				if strings.Contains(fmt.Sprint(err), hidden) {
					t.Errorf("the error tells %q", hidden)
				}
			}
		})
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	for i := 0; ; i++ {
		if _, err := fmt.Fprint(w, strings.Repeat("<!-- -->", 1000)); err != nil {
			return
		}
	}
}

// A server that does not answer holds up nobody longer than they wait.
func TestSilence(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s, _ := sts(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.Assume(ctx, wish)
	if idpool.KindOf(err) != idpool.Upstream || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if _, err := at(t, "http://127.0.0.1:1").Assume(t.Context(), wish); idpool.KindOf(err) != idpool.Upstream {
		t.Errorf("nobody there: %v", err)
	}
}

func TestFor(t *testing.T) {
	t.Parallel()
	set, err := upstream.New(upstream.Config{
		Servers: []upstream.Server{{Name: "minio"}, {Name: "aws"}},
		Rules:   []upstream.Rule{{Match: "arn:minio:iam:::role/*", Server: "minio"}, {Match: "arn:aws:iam::11112222333?:role/app/*", Server: "aws"}, {Match: "arn:minio:*", Server: "aws"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for arn, want := range map[string]string{
		"arn:minio:iam:::role/x":                   "minio", // the first that matches
		"arn:minio:iam:::user/x":                   "aws",
		"arn:aws:iam::111122223333:role/app/x":     "aws",
		"arn:aws:iam::111122223333:role/x":         "",
		"arn:aws:iam::111122223333:role/app":       "",
		"x:arn:minio:iam:::role/x":                 "",
		"arn:aws:iam::11112222333:role/app/x":      "",
		"arn:aws:iam::1111222233334:role/app/x":    "",
		"arn:aws:iam::111122223333:role/apple/pie": "",
	} {
		got := ""
		if s := set.For(arn); s != nil {
			got = s.Name
		}
		if got != want {
			t.Errorf("%s belongs to %q, want %q", arn, got, want)
		}
	}
	if (*upstream.Set)(nil).For("arn:minio:iam:::role/x") != nil {
		t.Error("no set has a server")
	}
	if _, err := upstream.New(upstream.Config{Rules: []upstream.Rule{{Match: "*", Server: "gone"}}}); err == nil {
		t.Error("a rule may name a server that is not there")
	}
}
