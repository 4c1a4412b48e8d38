package credential

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

// sdkSign signs a client's request with the official signer.
func sdkSign(t testing.TB, r *http.Request, body []byte, token string, at time.Time) {
	t.Helper()
	hash := sha256.Sum256(body)
	err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: testKeyID, SecretAccessKey: testSecret, SessionToken: token},
		r, hex.EncodeToString(hash[:]), "cognito-identity", "us-east-1", at)
	if err != nil {
		t.Fatal(err)
	}
}

// sdkPresign presigns a client's request with the official signer and returns
// the request that somebody else will send.
func sdkPresign(t testing.TB, r *http.Request, body []byte, token string, at time.Time, expires int) *http.Request {
	t.Helper()
	query := r.URL.Query()
	query.Set("X-Amz-Expires", fmt.Sprint(expires))
	r.URL.RawQuery = query.Encode()
	hash := sha256.Sum256(body)
	signed, header, err := v4.NewSigner().PresignHTTP(context.Background(), aws.Credentials{AccessKeyID: testKeyID, SecretAccessKey: testSecret, SessionToken: token},
		r, hex.EncodeToString(hash[:]), "cognito-identity", "us-east-1", at)
	if err != nil {
		t.Fatal(err)
	}
	out := newRequest(t, r.Method, signed, body)
	for name, values := range header {
		if name != "Host" && name != "Content-Length" {
			out.Header[name] = values
		}
	}
	return out
}

func newRequest(t testing.TB, method, target string, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSDK sends requests signed by the official signer through a real server,
// over HTTP/1.1 and HTTP/2: what net/http makes of them must verify.
func TestSDK(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s, err := authenticate(r, body, "cognito-identity", testNow)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, "%s %s %s %t", r.Proto, s.AccessKeyID, s.SessionToken, s.Presigned)
	})
	plain := httptest.NewServer(handler)
	defer plain.Close()
	two := httptest.NewUnstartedServer(handler)
	two.EnableHTTP2 = true
	two.StartTLS()
	defer two.Close()

	bodies := map[string][]byte{
		"no body": nil, "empty object": []byte("{}"), "form": []byte("Action=GetCallerIdentity&Version=2011-06-15"),
		"not UTF-8": {0xff, 0, '\n'}, "large": bytes.Repeat([]byte("0123456789abcdef"), 16<<10),
	}
	targets := []string{"/", "", "/?Action=GetCallerIdentity&Version=2011-06-15", "/a%20b/%E1%88%B4?x=%2B+y&x=a&z", "/a%2Fb?q=%2a~'()"}
	for _, srv := range []*httptest.Server{plain, two} {
		for name, body := range bodies {
			for _, target := range targets {
				for _, token := range []string{"", "FwoGZXIvYXdzE+/=="} {
					for _, presign := range []bool{false, true} {
						r := newRequest(t, "POST", srv.URL+target, body)
						r.Header.Set("Content-Type", "application/x-amz-json-1.1")
						r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService.ListIdentityPools")
						r.Header.Set("X-Custom", "a   b")
						if presign {
							r = sdkPresign(t, r, body, token, testNow, 300)
						} else {
							sdkSign(t, r, body, token, testNow)
						}
						resp, err := srv.Client().Do(r)
						if err != nil {
							t.Fatal(err)
						}
						got, _ := io.ReadAll(resp.Body)
						resp.Body.Close()
						if want := fmt.Sprintf("%s %s %s %t", resp.Proto, testKeyID, token, presign); string(got) != want {
							t.Errorf("%s, %s, token %q, presigned %t: got %s, want %s", name, target, token, presign, got, want)
						}
					}
				}
			}
		}
	}
}

// wireForm is a request on the wire, in the parts that can be altered.
type wireForm struct {
	method, target, host string
	headers              [][2]string
	body                 []byte
}

// asRequest reads a wireForm as the server does; false if it would not.
func (w wireForm) asRequest() (*http.Request, bool) {
	q := request{method: w.method, target: w.target, headers: append([][2]string{{"Host", w.host}}, w.headers...)}
	r, err := readRequest(q.text())
	return r, err == nil
}

// meaning is what a request says, as far as it can be signed: two requests of
// the same meaning are the same request. It is written without the code under
// test.
func meaning(r *http.Request, body []byte, signed []string) string {
	var b strings.Builder
	query, err := url.ParseQuery(r.URL.RawQuery)
	clean := path.Clean("/" + r.URL.EscapedPath()) // a path means what it is after normalising
	fmt.Fprintf(&b, "%s %q %q %v %v %x\n", r.Method, r.Host, clean, query.Encode(), err, sha256.Sum256(body))
	for _, name := range signed {
		for _, value := range r.Header.Values(name) {
			fmt.Fprintf(&b, "%s: %q\n", name, strings.Fields(value))
		}
	}
	return b.String()
}

// TestAnyByte holds that a request altered in one byte is refused.
func TestAnyByte(t *testing.T) {
	words := rapid.StringMatching(`[A-Za-z0-9_.~+/=%& -]{1,12}`)
	rapid.Check(t, func(rt *rapid.T) {
		// A request, signed by the official signer.
		target := url.URL{Scheme: "http", Host: "localhost:8437", Path: "/"}
		for range rapid.IntRange(0, 3).Draw(rt, "segments") {
			target.Path += rapid.StringMatching(`[A-Za-z0-9_~+ ü%-]{1,8}`).Draw(rt, "segment") + "/"
		}
		query := url.Values{}
		for range rapid.IntRange(0, 3).Draw(rt, "parameters") {
			query.Add(words.Draw(rt, "name"), words.Draw(rt, "value"))
		}
		target.RawQuery = query.Encode()
		body := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(rt, "body")
		token := rapid.SampledFrom([]string{"", "FwoGZXIvYXdzE+/=="}).Draw(rt, "token")
		r := newRequest(t, rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(rt, "method"), target.String(), body)
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService."+rapid.StringMatching(`[A-Za-z]{1,20}`).Draw(rt, "operation"))
		r.Header.Set("X-Other", strings.TrimSpace(words.Draw(rt, "header")))
		if rapid.Bool().Draw(rt, "presigned") {
			r = sdkPresign(t, r, body, token, testNow, 300)
		} else {
			sdkSign(t, r, body, token, testNow)
		}
		whole := wireForm{method: r.Method, target: r.URL.RequestURI(), host: r.URL.Host, body: body}
		if len(body) > 0 {
			whole.headers = append(whole.headers, [2]string{"Content-Length", fmt.Sprint(len(body))})
		}
		for name, values := range r.Header {
			for _, value := range values {
				whole.headers = append(whole.headers, [2]string{name, value})
			}
		}
		slices.SortFunc(whole.headers, func(a, b [2]string) int { return cmp.Compare(a[0], b[0]) })
		sent, ok := whole.asRequest()
		if !ok {
			rt.Fatalf("not a request: %+v", whole)
		}
		s, err := authenticate(sent, body, "cognito-identity", testNow)
		if err != nil {
			rt.Fatalf("as it was: %v\n%+v", err, whole)
		}

		// One byte of it, altered.
		altered := whole
		altered.headers = slices.Clone(whole.headers)
		altered.body = slices.Clone(whole.body)
		c := rapid.Byte().Draw(rt, "byte")
		change := func(text string) string {
			if text == "" {
				return string([]byte{c})
			}
			i := rapid.IntRange(0, len(text)-1).Draw(rt, "at")
			return text[:i] + string([]byte{c}) + text[i+1:]
		}
		switch rapid.SampledFrom([]string{"method", "target", "host", "header", "body"}).Draw(rt, "part") {
		case "method":
			altered.method = change(altered.method)
		case "target":
			altered.target = change(altered.target)
		case "host":
			altered.host = change(altered.host)
		case "header":
			i := rapid.IntRange(0, len(altered.headers)-1).Draw(rt, "header")
			altered.headers[i][1] = change(altered.headers[i][1])
		case "body":
			altered.body = []byte(change(string(altered.body)))
		}
		got, ok := altered.asRequest()
		if !ok {
			return // net/http refuses it
		}
		before, after := meaning(sent, body, s.headers), meaning(got, altered.body, s.headers)
		if _, err := authenticate(got, altered.body, "cognito-identity", testNow); err == nil && before != after {
			rt.Fatalf("accepted\n%s\nas\n%s", after, before)
		}
	})
}

// BenchmarkAuthenticate is the whole verification of a request with a body of
// 2 KB and a session token.
func BenchmarkAuthenticate(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 2048)
	client := newRequest(b, "POST", "https://cognito-identity.us-east-1.amazonaws.com/", body)
	client.Header.Set("Content-Type", "application/x-amz-json-1.1")
	client.Header.Set("X-Amz-Target", "AWSCognitoIdentityService.GetOpenIdTokenForDeveloperIdentity")
	client.Header.Set("User-Agent", "aws-sdk-go-v2/1.48.0 os/linux lang/go#1.26")
	client.Header.Set("Accept-Encoding", "gzip")
	client.Header.Set("Amz-Sdk-Invocation-Id", "5d5bbfe5-7dcb-4ffa-9c65-d0ae3de4a1a3")
	client.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
	sdkSign(b, client, body, strings.Repeat("t", 700), testNow)
	var wire bytes.Buffer
	if err := client.Write(&wire); err != nil {
		b.Fatal(err)
	}
	r, err := readRequest(wire.String())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("whole", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := authenticate(r, body, "cognito-identity", testNow); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("signing key remembered", func(b *testing.B) {
		b.ReportAllocs()
		var remembered signer
		for b.Loop() {
			s, err := ParseSignature(r)
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Check("cognito-identity", testNow, 5*time.Minute); err != nil {
				b.Fatal(err)
			}
			if err := s.verify(r, body, remembered.signingKey(s.scope(testSecret))); err != nil {
				b.Fatal(err)
			}
		}
	})
}
