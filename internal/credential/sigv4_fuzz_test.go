package credential

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"idpool/internal/idpool"
)

func readRequest(text string) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
}

// FuzzParseSignature gives strangers the Authorization header, the date and
// the query string. Whatever they write, the answer is a signature within
// bounds or an error of the right kind, and nothing passes without the secret.
func FuzzParseSignature(f *testing.F) {
	header, presigned := jsonRequest(), queryRequest()
	header.sign(false)
	presigned.sign(true)
	_, query, _ := strings.Cut(presigned.target, "?")
	f.Add(header.headers[len(header.headers)-1][1], testStamp, "")
	f.Add("", "", query)
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=;,Signature==", "x", "X-Amz-Signature&X-Amz-%53ignature=;")
	f.Add("Basic Og==", "Sun, 30 Aug 2015 12:36:00 GMT", "%")
	f.Add("AWS4-HMAC-SHA256 ,,,", "", "a=b&a=c&&=&X-Amz-Expires=0")
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := &http.Request{Method: "POST", Host: "localhost", URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{}}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		if date != "" {
			r.Header.Set("X-Amz-Date", date)
		}
		s, err := ParseSignature(r)
		if err != nil {
			switch idpool.KindOf(err) {
			case idpool.MissingAuthentication, idpool.IncompleteSignature, idpool.InvalidSignature:
			default:
				t.Fatalf("kind %d: %v", idpool.KindOf(err), err)
			}
			if len(err.Error()) > maxAuthorization+1024 {
				t.Fatalf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if s.AccessKeyID == "" || len(s.AccessKeyID) > maxAccessKeyID || s.Date.IsZero() || s.expires > maxExpires || len(s.headers) == 0 {
			t.Fatalf("out of bounds: %+v", s)
		}
		if s.Check("cognito-identity", testNow, 5*time.Minute) == nil && s.Verify(r, nil, "the right one, which nobody knows") == nil {
			t.Fatal("accepted")
		}
	})
}

// FuzzAlteredRequest starts from signed requests. What is still accepted after
// any change must mean the same as the one that was signed.
func FuzzAlteredRequest(f *testing.F) {
	seeds := map[string]bool{} // meanings
	add := func(text string) {
		r, err := readRequest(text)
		if err != nil {
			f.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body)
		s, err := authenticate(r, body, "cognito-identity", testNow)
		if err != nil {
			f.Fatal(err)
		}
		seeds[meaning(r, body, s.headers)] = true
		f.Add(text)
	}
	for _, do := range []func(*request){
		func(*request) {},
		func(q *request) { q.target = "/?Action=GetCallerIdentity&Version=2011-06-15" },
		func(q *request) { q.target = "/?a=%20%2B&b=" },
		func(q *request) { q.set("Content-Length", "2"); q.body = "{}" },
		func(q *request) { q.set("X-Amz-Content-Sha256", sha(q.body)) },
	} {
		header, presigned := jsonRequest(), queryRequest()
		header.body = ""
		do(header)
		header.sign(false)
		add(header.text() + header.body)
		presigned.sign(true)
		add(presigned.text())
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := readRequest(text)
		if err != nil {
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return
		}
		s, err := authenticate(r, body, "cognito-identity", testNow)
		if err == nil && !seeds[meaning(r, body, s.headers)] {
			t.Fatalf("accepted: %s", meaning(r, body, s.headers))
		}
	})
}
