package credential

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"idpool/internal/idpool"
)

// The key of the AWS documentation and of the public suite, and their date.
const (
	testKeyID  = "AKIDEXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	testStamp  = "20150830T123600Z"
)

var testNow = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

// authenticate does what the broker does with a request.
func authenticate(r *http.Request, body []byte, service string, now time.Time) (*Signature, error) {
	s, err := ParseSignature(r)
	if err != nil {
		return nil, err
	}
	if err := s.Check(service, now, 5*time.Minute); err != nil {
		return nil, err
	}
	if s.AccessKeyID != testKeyID {
		return nil, idpool.Errorf(idpool.UnknownAccessKey, "no such key")
	}
	return s, s.Verify(r, body, testSecret)
}

// TestVectors runs testdata/sigv4: requests signed by others. make_sigv4.py
// beside it writes them.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/sigv4/*.txt")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d vectors in testdata/sigv4 (%v): there must be at least 100", len(files), err)
	}
	kinds := map[string]idpool.Kind{"InvalidSignature": idpool.InvalidSignature}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			head, rest, ok := strings.Cut(string(text), "\n\n")
			if !ok {
				t.Fatal("no blank line after the head")
			}
			fields := map[string]string{}
			for line := range strings.Lines(head) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
				fields[name] = value
			}
			request, canonical, _ := strings.Cut(rest, "\n-- canonical --\n")
			r, body := readVector(t, request)
			s, err := authenticate(r, []byte(body), fields["service"], testNow)
			if fields["expect"] != "accept" {
				kind, known := kinds[fields["expect"]]
				if !known {
					t.Fatalf("expect: %s", fields["expect"])
				}
				if idpool.KindOf(err) != kind {
					t.Errorf("got %v, want %s", err, fields["expect"])
				}
				return
			}
			if err != nil {
				t.Error(err)
			}
			hash := sha256.Sum256([]byte(body))
			if s == nil {
				return
			}
			if got, err := s.appendCanonical(nil, r, hex.EncodeToString(hash[:])); err != nil || string(got) != strings.TrimSuffix(canonical, "\n") {
				t.Errorf("canonical request (%v)\n got %s\nwant %s", err, got, canonical)
			}
		})
	}
}

// readVector reads a request the way the server does. The target is set apart:
// net/http refuses a blank in it before we see it, and the suite has one.
func readVector(t *testing.T, text string) (*http.Request, string) {
	t.Helper()
	line, rest, _ := strings.Cut(text, "\n")
	headers, body, ok := strings.Cut(rest, "\n\n")
	if !ok {
		headers = strings.TrimSuffix(rest, "\n")
	}
	body = strings.TrimSuffix(body, "\n")
	method, target, _ := strings.Cut(strings.TrimSuffix(line, " HTTP/1.1"), " ")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " / HTTP/1.1\n" + headers + "\n\n")))
	if err != nil {
		t.Fatal(err)
	}
	if r.URL, err = url.ParseRequestURI(target); err != nil {
		t.Fatal(err)
	}
	return r, body
}

// TestSigningKey is the example of "Derive a signing key".
func TestSigningKey(t *testing.T) {
	const want = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
	if got := hex.EncodeToString(scope{testSecret, "20150830", "us-east-1", "iam"}.signingKey()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// request is a request before it is sent, to be signed and altered at will.
type request struct {
	method, target string
	headers        [][2]string
	body           string
	// What it is signed with; the zero value means the usual.
	secret, stamp, scope string
	signed               []string // the headers, as listed; nil: all of them, sorted
}

// jsonRequest is a request to sign in the header.
func jsonRequest() *request {
	return &request{method: "POST", target: "/", body: `{"MaxResults":60}`, headers: [][2]string{
		{"Host", "cognito-identity.us-east-1.amazonaws.com"},
		{"Content-Type", "application/x-amz-json-1.1"},
		{"X-Amz-Date", testStamp},
		{"X-Amz-Security-Token", "session+token/1=="},
		{"X-Amz-Target", "AWSCognitoIdentityService.ListIdentityPools"},
		{"User-Agent", "test"},
	}}
}

// queryRequest is a request to presign. Its parameters are in canonical order.
func queryRequest() *request {
	return &request{method: "GET", headers: [][2]string{{"Host", "sts.amazonaws.com"}},
		target: "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fcognito-identity%2Faws4_request" +
			"&X-Amz-Date=20150830T123600Z&X-Amz-Expires=900&X-Amz-Security-Token=session%2Btoken&X-Amz-SignedHeaders=host"}
}

func (q *request) set(name, value string) {
	q.drop(name)
	q.headers = append(q.headers, [2]string{name, value})
}

func (q *request) drop(name string) {
	q.headers = slices.DeleteFunc(q.headers, func(h [2]string) bool { return strings.EqualFold(h[0], name) })
}

// swap replaces the first text that is there in a header's value.
func (q *request) swap(name, old, new string) {
	for i, h := range q.headers {
		if h[0] == name && strings.Contains(h[1], old) {
			q.headers[i][1] = strings.Replace(h[1], old, new, 1)
			return
		}
	}
	panic("no " + old + " in " + name)
}

func (q *request) retarget(old, new string) {
	if !strings.Contains(q.target, old) {
		panic("no " + old + " in the target")
	}
	q.target = strings.Replace(q.target, old, new, 1)
}

// sign signs as the documentation says, with none of the code under test. The
// query must be in canonical form, the path "/".
func (q *request) sign(presign bool) {
	q.drop("Authorization")
	names := slices.Clone(q.signed)
	values := map[string]string{}
	for _, h := range q.headers {
		name := strings.ToLower(h[0])
		if before, twice := values[name]; twice {
			values[name] = before + "," + h[1]
			continue
		}
		if values[name] = h[1]; q.signed == nil && name != "user-agent" {
			names = append(names, name)
		}
	}
	if q.signed == nil {
		slices.Sort(names)
	}
	secret, stamp, scope := testSecret, testStamp, "20150830/us-east-1/cognito-identity/aws4_request"
	if q.secret != "" {
		secret = q.secret
	}
	if q.stamp != "" {
		stamp = q.stamp
	}
	if q.scope != "" {
		scope = q.scope
	}
	_, query, _ := strings.Cut(q.target, "?")
	text := q.method + "\n/\n" + query + "\n"
	for _, name := range names {
		text += name + ":" + values[strings.ToLower(name)] + "\n"
	}
	text += "\n" + strings.Join(names, ";") + "\n" + sha(q.body)
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope+"/AWS4-HMAC-SHA256\n"+stamp+"\n", "/") {
		if strings.HasPrefix(part, "AWS4-") {
			part += scope + "\n" + sha(text)
		}
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	if presign {
		q.target += fmt.Sprintf("&X-Amz-Signature=%x", key)
	} else {
		q.set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x", testKeyID, scope, strings.Join(names, ";"), key))
	}
}

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// text is the request on the wire.
func (q *request) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", q.method, q.target)
	for _, h := range q.headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	return b.String() + "\r\n"
}

// receive reads the request as the server does.
func (q *request) receive(t testing.TB) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(q.text())))
	if err != nil {
		t.Fatalf("%v\n%s", err, q.text())
	}
	return r
}

// tampering is one way to spoil a request.
type tampering struct {
	name string
	do   func(*request)
	want idpool.Kind
}

// Requests altered after they were signed in the header.
var alteredHeader = []tampering{
	{"method", func(q *request) { q.method = "PUT" }, idpool.InvalidSignature},
	{"method in lower case", func(q *request) { q.method = "post" }, idpool.InvalidSignature},
	{"path", func(q *request) { q.target = "/x" }, idpool.InvalidSignature},
	{"path, trailing slash", func(q *request) { q.target = "/x/" }, idpool.InvalidSignature},
	{"query added", func(q *request) { q.target = "/?a=b" }, idpool.InvalidSignature},
	{"query added without value", func(q *request) { q.target = "/?a" }, idpool.InvalidSignature},
	{"query that cannot be read", func(q *request) { q.target = "/?a=%zz" }, idpool.InvalidSignature},
	{"query with a semicolon", func(q *request) { q.target = "/?a=b;c=d" }, idpool.InvalidSignature},
	{"semicolon in the query, not encoded", func(q *request) {
		q.target = "/?a=b%3Bc"
		q.sign(false)
		q.target = "/?a=b;c"
	}, idpool.InvalidSignature},
	{"query signature beside the header", func(q *request) { q.target = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256" }, idpool.InvalidSignature},
	{"query signature in lower case beside the header", func(q *request) { q.target = "/?x-amz-algorithm=AWS4-HMAC-SHA256" }, idpool.InvalidSignature},
	{"query token beside the header", func(q *request) { q.target = "/?X-Amz-Security-Token=x" }, idpool.InvalidSignature},
	{"query date beside the header", func(q *request) { q.target = "/?X-Amz-Date=" + testStamp }, idpool.InvalidSignature},
	{"query expiry beside the header", func(q *request) { q.target = "/?X-Amz-Expires=604800" }, idpool.InvalidSignature},
	{"query content hash beside that of the header", func(q *request) {
		q.set("X-Amz-Content-Sha256", sha(q.body))
		q.target = "/?X-Amz-Content-Sha256=UNSIGNED-PAYLOAD"
	}, idpool.InvalidSignature},
	{"action twice", func(q *request) { q.target = "/?Action=GetCallerIdentity&Action=AssumeRole" }, idpool.InvalidSignature},
	{"action in another case", func(q *request) { q.target = "/?action=AssumeRole" }, idpool.InvalidSignature},
	{"body altered", func(q *request) { q.body = `{"MaxResults":61}` }, idpool.InvalidSignature},
	{"body longer", func(q *request) { q.body += " " }, idpool.InvalidSignature},
	{"body gone", func(q *request) { q.body = "" }, idpool.InvalidSignature},
	{"host", func(q *request) { q.set("Host", "cognito-identity.eu-west-1.amazonaws.com") }, idpool.InvalidSignature},
	{"host in upper case", func(q *request) { q.swap("Host", "amazonaws", "AMAZONAWS") }, idpool.InvalidSignature},
	{"host with a port", func(q *request) { q.swap("Host", ".com", ".com:8437") }, idpool.InvalidSignature},
	{"host only forwarded", func(q *request) {
		q.set("X-Forwarded-Host", "cognito-identity.us-east-1.amazonaws.com")
		q.set("Host", "localhost")
	}, idpool.InvalidSignature},
	{"target", func(q *request) { q.swap("X-Amz-Target", "List", "Delete") }, idpool.InvalidSignature},
	{"target gone", func(q *request) { q.drop("X-Amz-Target") }, idpool.InvalidSignature},
	{"target twice", func(q *request) {
		q.headers = append(q.headers, [2]string{"X-Amz-Target", "AWSCognitoIdentityService.DeleteIdentityPool"})
	}, idpool.InvalidSignature},
	{"target twice, in another case", func(q *request) {
		q.headers = append(q.headers, [2]string{"x-amz-target", "AWSCognitoIdentityService.DeleteIdentityPool"})
	}, idpool.InvalidSignature},
	{"target emptied", func(q *request) { q.set("X-Amz-Target", "") }, idpool.InvalidSignature},
	{"content type", func(q *request) { q.set("Content-Type", "application/x-www-form-urlencoded") }, idpool.InvalidSignature},
	{"content type twice", func(q *request) {
		q.headers = append(q.headers, [2]string{"Content-Type", "application/x-www-form-urlencoded"})
	}, idpool.InvalidSignature},
	{"content type gone", func(q *request) { q.drop("Content-Type") }, idpool.InvalidSignature},
	{"token altered", func(q *request) { q.swap("X-Amz-Security-Token", "1", "2") }, idpool.InvalidSignature},
	{"token gone", func(q *request) { q.drop("X-Amz-Security-Token") }, idpool.InvalidSignature},
	{"token twice", func(q *request) {
		q.headers = append(q.headers, [2]string{"X-Amz-Security-Token", "session+token/1=="})
	}, idpool.InvalidSignature},
	{"amz header added", func(q *request) { q.set("X-Amz-User-Agent", "x") }, idpool.InvalidSignature},
	{"amz header added in lower case", func(q *request) { q.set("x-amz-meta", "x") }, idpool.InvalidSignature},
	{"unsigned payload asked for", func(q *request) { q.set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }, idpool.InvalidSignature},
	{"date altered", func(q *request) { q.set("X-Amz-Date", "20150830T123601Z") }, idpool.InvalidSignature},
	{"date of another day", func(q *request) { q.set("X-Amz-Date", "20150829T123600Z") }, idpool.InvalidSignature},
	{"date twice", func(q *request) { q.headers = append(q.headers, [2]string{"X-Amz-Date", "20150830T123700Z"}) }, idpool.InvalidSignature},
	{"date in another form", func(q *request) { q.set("X-Amz-Date", "2015-08-30T12:36:00Z") }, idpool.IncompleteSignature},
	{"date with a fraction", func(q *request) { q.set("X-Amz-Date", "20150830T123600.5Z") }, idpool.IncompleteSignature},
	{"date with a zone", func(q *request) { q.set("X-Amz-Date", "20150830T123600+0000") }, idpool.IncompleteSignature},
	{"date that is none", func(q *request) { q.set("X-Amz-Date", "20150231T123600Z") }, idpool.IncompleteSignature},
	{"date gone", func(q *request) { q.drop("X-Amz-Date") }, idpool.IncompleteSignature},
	{"date only of HTTP", func(q *request) {
		q.drop("X-Amz-Date")
		q.set("Date", "Sun, 30 Aug 2015 12:36:00 GMT")
	}, idpool.InvalidSignature},
	{"authorization gone", func(q *request) { q.drop("Authorization") }, idpool.MissingAuthentication},
	{"authorization empty", func(q *request) { q.set("Authorization", "") }, idpool.MissingAuthentication},
	{"authorization of another scheme", func(q *request) { q.set("Authorization", "Bearer x") }, idpool.MissingAuthentication},
	{"authorization of another scheme, with our fields", func(q *request) { q.swap("Authorization", "AWS4-HMAC-SHA256", "Basic") }, idpool.MissingAuthentication},
	{"authorization twice", func(q *request) { q.headers = append(q.headers, q.headers[len(q.headers)-1]) }, idpool.InvalidSignature},
	{"authorization twice, in another case", func(q *request) {
		q.headers = append(q.headers, [2]string{"authorization", "AWS4-HMAC-SHA256 x"})
	}, idpool.InvalidSignature},
	{"authorization too long", func(q *request) {
		q.swap("Authorization", "SignedHeaders=", "SignedHeaders="+strings.Repeat("a", maxAuthorization))
	}, idpool.IncompleteSignature},
	{"authorization not ASCII", func(q *request) { q.swap("Authorization", "Signature=", "Signature=ä") }, idpool.IncompleteSignature},
	{"authorization with a tab", func(q *request) { q.swap("Authorization", ", Sig", ",\tSig") }, idpool.IncompleteSignature},
	{"algorithm other", func(q *request) { q.swap("Authorization", "SHA256", "SHA1") }, idpool.IncompleteSignature},
	{"algorithm longer", func(q *request) { q.swap("Authorization", "SHA256", "SHA256X") }, idpool.IncompleteSignature},
	{"algorithm of keys in pairs", func(q *request) { q.swap("Authorization", "HMAC-SHA256", "ECDSA-P256-SHA256") }, idpool.IncompleteSignature},
	{"algorithm in lower case", func(q *request) { q.swap("Authorization", "AWS4", "aws4") }, idpool.MissingAuthentication},
	{"no credential", func(q *request) { q.swap("Authorization", "Credential=", "Credentials=") }, idpool.IncompleteSignature},
	{"empty credential", func(q *request) {
		q.swap("Authorization", "AKIDEXAMPLE/20150830/us-east-1/cognito-identity/aws4_request", "")
	}, idpool.IncompleteSignature},
	{"credential twice", func(q *request) { q.swap("Authorization", "SignedHeaders=", "Credential=x, SignedHeaders=") }, idpool.IncompleteSignature},
	{"credential twice, first empty", func(q *request) { q.swap("Authorization", "Credential=", "Credential=, Credential=") }, idpool.IncompleteSignature},
	{"field without equal-sign", func(q *request) { q.swap("Authorization", "Credential=", "x, Credential=") }, idpool.IncompleteSignature},
	{"field unknown", func(q *request) { q.swap("Authorization", "Credential=", "x=y, Credential=") }, idpool.IncompleteSignature},
	{"field in lower case", func(q *request) { q.swap("Authorization", "Credential=", "credential=") }, idpool.IncompleteSignature},
	{"blank around the equal-sign", func(q *request) { q.swap("Authorization", "Credential=", "Credential = ") }, idpool.IncompleteSignature},
	{"blank for a comma", func(q *request) { q.swap("Authorization", ", ", " ") }, idpool.IncompleteSignature},
	{"something after the signature", func(q *request) { q.headers[len(q.headers)-1][1] += " x" }, idpool.IncompleteSignature},
	{"comma at the end", func(q *request) { q.set("Authorization", q.headers[len(q.headers)-1][1]+",") }, idpool.IncompleteSignature},
	{"quotes", func(q *request) { q.swap("Authorization", "Credential=AKIDEXAMPLE", `Credential="AKIDEXAMPLE"`) }, idpool.UnknownAccessKey},
	{"no key ID", func(q *request) { q.swap("Authorization", "AKIDEXAMPLE", "") }, idpool.IncompleteSignature},
	{"key ID too long", func(q *request) { q.swap("Authorization", "AKIDEXAMPLE", strings.Repeat("A", maxAccessKeyID+1)) }, idpool.IncompleteSignature},
	{"key ID other", func(q *request) { q.swap("Authorization", "AKIDEXAMPLE", "AKIDEXAMPLF") }, idpool.UnknownAccessKey},
	{"scope with one part more", func(q *request) { q.swap("Authorization", "aws4_request", "aws4_request/") }, idpool.IncompleteSignature},
	{"scope with one part less", func(q *request) { q.swap("Authorization", "/aws4_request", "") }, idpool.IncompleteSignature},
	{"scope of another day", func(q *request) { q.swap("Authorization", "20150830", "20150829") }, idpool.InvalidSignature},
	{"scope of another region", func(q *request) { q.swap("Authorization", "us-east-1", "us-east-2") }, idpool.InvalidSignature},
	{"scope of a region in upper case", func(q *request) { q.swap("Authorization", "us-east-1", "US-EAST-1") }, idpool.InvalidSignature},
	{"scope without region", func(q *request) { q.swap("Authorization", "us-east-1", "") }, idpool.InvalidSignature},
	{"scope of another service", func(q *request) { q.swap("Authorization", "cognito-identity", "sts") }, idpool.InvalidSignature},
	{"scope of another terminator", func(q *request) { q.swap("Authorization", "aws4_request", "aws4_Request") }, idpool.InvalidSignature},
	{"signed headers without one", func(q *request) { q.swap("Authorization", "content-type;", "") }, idpool.InvalidSignature},
	{"signed headers without host", func(q *request) { q.swap("Authorization", "host;", "") }, idpool.InvalidSignature},
	{"signed headers without target", func(q *request) { q.swap("Authorization", ";x-amz-target", "") }, idpool.InvalidSignature},
	{"signed headers with one that is not there", func(q *request) { q.swap("Authorization", ";host", ";horst;host") }, idpool.InvalidSignature},
	{"signed headers with one that was not signed", func(q *request) { q.swap("Authorization", ";x-amz-date", ";user-agent;x-amz-date") }, idpool.InvalidSignature},
	{"signed headers in another order", func(q *request) { q.swap("Authorization", "content-type;host", "host;content-type") }, idpool.InvalidSignature},
	{"signed headers with one twice", func(q *request) { q.swap("Authorization", "host;", "host;host;") }, idpool.InvalidSignature},
	{"signed headers in upper case", func(q *request) { q.swap("Authorization", "content-type;host", "Content-Type;host") }, idpool.InvalidSignature},
	{"signed headers with an empty one", func(q *request) { q.swap("Authorization", "content-type;", ";content-type;") }, idpool.InvalidSignature},
	{"signed headers with a line break", func(q *request) { q.swap("Authorization", "content-type;", "content-type:x;") }, idpool.InvalidSignature},
	{"no signature", func(q *request) { q.swap("Authorization", "Signature=", "Signatur=") }, idpool.IncompleteSignature},
	{"signature of zeros", func(q *request) {
		h := &q.headers[len(q.headers)-1][1]
		*h = (*h)[:len(*h)-64] + strings.Repeat("0", 64)
	}, idpool.InvalidSignature},
	{"signature cut", func(q *request) {
		h := &q.headers[len(q.headers)-1][1]
		*h = (*h)[:len(*h)-2]
	}, idpool.InvalidSignature},
	{"signature longer", func(q *request) { q.headers[len(q.headers)-1][1] += "00" }, idpool.InvalidSignature},
	{"signature empty", func(q *request) {
		h := &q.headers[len(q.headers)-1][1]
		*h = (*h)[:len(*h)-64]
	}, idpool.IncompleteSignature},
	{"signature in upper case", func(q *request) {
		h := &q.headers[len(q.headers)-1][1]
		*h = (*h)[:len(*h)-64] + strings.ToUpper((*h)[len(*h)-64:])
	}, idpool.InvalidSignature},
}

// Requests that carry a right signature and are refused for what it covers.
var signedHeader = []tampering{
	{"secret of another", func(q *request) { q.secret = "x" }, idpool.InvalidSignature},
	{"no secret", func(q *request) { q.secret = " " }, idpool.InvalidSignature},
	{"host not signed", func(q *request) {
		q.signed = []string{"content-type", "x-amz-date", "x-amz-security-token", "x-amz-target"}
	}, idpool.InvalidSignature},
	{"target not signed", func(q *request) {
		q.signed = []string{"content-type", "host", "x-amz-date", "x-amz-security-token"}
	}, idpool.InvalidSignature},
	{"token not signed", func(q *request) { q.signed = []string{"content-type", "host", "x-amz-date", "x-amz-target"} }, idpool.InvalidSignature},
	{"date not signed", func(q *request) {
		q.signed = []string{"content-type", "host", "x-amz-security-token", "x-amz-target"}
	}, idpool.InvalidSignature},
	{"signed headers in another order", func(q *request) {
		q.signed = []string{"content-type", "x-amz-date", "x-amz-security-token", "x-amz-target", "host"}
	}, idpool.InvalidSignature},
	{"signed headers with one twice", func(q *request) {
		q.signed = []string{"content-type", "host", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"}
	}, idpool.InvalidSignature},
	{"signed headers with one in upper case", func(q *request) {
		q.signed = []string{"Content-Type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"}
	}, idpool.InvalidSignature},
	{"signed headers with one that is empty", func(q *request) {
		q.signed = []string{"", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"}
	}, idpool.InvalidSignature},
	{"signed headers with one that is no name", func(q *request) {
		q.signed = []string{"a:b", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"}
	}, idpool.InvalidSignature},
	{"signed headers with one that is not there", func(q *request) {
		q.signed = []string{"host", "not-there", "x-amz-date", "x-amz-security-token", "x-amz-target"}
	}, idpool.InvalidSignature},
	{"query too long", func(q *request) { q.target = "/?a=" + strings.Repeat("b", maxQuery) }, idpool.InvalidSignature},
	{"nothing signed", func(q *request) { q.signed = []string{} }, idpool.IncompleteSignature},
	{"six minutes old", func(q *request) { q.stamp = "20150830T123000Z"; q.set("X-Amz-Date", q.stamp) }, idpool.InvalidSignature},
	{"six minutes early", func(q *request) { q.stamp = "20150830T124200Z"; q.set("X-Amz-Date", q.stamp) }, idpool.InvalidSignature},
	{"scope of another service", func(q *request) { q.scope = "20150830/us-east-1/sts/aws4_request" }, idpool.InvalidSignature},
	{"scope of a service in upper case", func(q *request) { q.scope = "20150830/us-east-1/Cognito-Identity/aws4_request" }, idpool.InvalidSignature},
	{"scope of another day", func(q *request) { q.scope = "20150831/us-east-1/cognito-identity/aws4_request" }, idpool.InvalidSignature},
	{"scope of no region", func(q *request) { q.scope = "20150830/local/cognito-identity/aws4_request" }, idpool.InvalidSignature},
	{"scope of another terminator", func(q *request) { q.scope = "20150830/us-east-1/cognito-identity/aws5_request" }, idpool.InvalidSignature},
	{"payload not signed", func(q *request) { q.set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }, idpool.InvalidSignature},
	{"payload in chunks", func(q *request) { q.set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") }, idpool.InvalidSignature},
	{"hash of another payload", func(q *request) { q.set("X-Amz-Content-Sha256", sha("")) }, idpool.InvalidSignature},
	{"hash in upper case", func(q *request) { q.set("X-Amz-Content-Sha256", strings.ToUpper(sha(q.body))) }, idpool.InvalidSignature},
	{"hash said in the query, and in the header", func(q *request) {
		q.set("X-Amz-Content-Sha256", sha(q.body))
		q.target = "/?X-Amz-Content-Sha256=" + sha(q.body)
	}, idpool.InvalidSignature},
	{"target twice", func(q *request) { q.headers = append(q.headers, [2]string{"x-amz-target", "x"}) }, idpool.InvalidSignature},
	{"token twice", func(q *request) { q.headers = append(q.headers, [2]string{"X-Amz-Security-Token", "x"}) }, idpool.InvalidSignature},
	{"content type twice", func(q *request) { q.headers = append(q.headers, [2]string{"Content-Type", "text/plain"}) }, idpool.InvalidSignature},
	{"date of HTTP twice", func(q *request) {
		date := [2]string{"Date", "Sun, 30 Aug 2015 12:36:00 GMT"}
		q.headers = append(q.headers, date, date)
	}, idpool.InvalidSignature},
	{"action twice", func(q *request) { q.target = "/?Action=AssumeRole&Action=GetCallerIdentity" }, idpool.InvalidSignature},
	{"action in another case", func(q *request) { q.target = "/?action=GetCallerIdentity" }, idpool.InvalidSignature},
	{"version twice", func(q *request) { q.target = "/?Version=1&Version=2" }, idpool.InvalidSignature},
	{"expiry in the query", func(q *request) { q.target = "/?X-Amz-Expires=604800" }, idpool.InvalidSignature},
	{"hoisted header twice", func(q *request) { q.target = "/?X-Amz-Target=a&X-Amz-Target=b" }, idpool.InvalidSignature},
	{"hoisted header twice, in another case", func(q *request) { q.target = "/?X-Amz-Target=a&x-amz-target=b" }, idpool.InvalidSignature},
	{"hash said in the query", func(q *request) { q.target = "/?X-Amz-Content-Sha256=UNSIGNED-PAYLOAD" }, idpool.InvalidSignature},
}

// Requests altered after they were presigned.
var alteredQuery = []tampering{
	{"method", func(q *request) { q.method = "POST" }, idpool.InvalidSignature},
	{"path", func(q *request) { q.retarget("/?", "/a?") }, idpool.InvalidSignature},
	{"action", func(q *request) { q.retarget("GetCallerIdentity", "GetSessionToken") }, idpool.InvalidSignature},
	{"action twice", func(q *request) { q.retarget("Version", "Action=AssumeRole&Version") }, idpool.InvalidSignature},
	{"action twice, in another case", func(q *request) { q.retarget("Version", "action=AssumeRole&Version") }, idpool.InvalidSignature},
	{"parameter added", func(q *request) { q.target += "&DurationSeconds=900" }, idpool.InvalidSignature},
	{"parameter gone", func(q *request) { q.retarget("Version=2011-06-15&", "") }, idpool.InvalidSignature},
	{"body added", func(q *request) { q.body = "Action=AssumeRole" }, idpool.InvalidSignature},
	{"host", func(q *request) { q.set("Host", "sts.eu-west-1.amazonaws.com") }, idpool.InvalidSignature},
	{"amz header added", func(q *request) { q.set("X-Amz-Target", "x") }, idpool.InvalidSignature},
	{"date in the header too", func(q *request) { q.set("X-Amz-Date", testStamp) }, idpool.InvalidSignature},
	{"token in the header too", func(q *request) { q.set("X-Amz-Security-Token", "session+token") }, idpool.InvalidSignature},
	{"authorization too", func(q *request) { q.set("Authorization", "AWS4-HMAC-SHA256 x") }, idpool.InvalidSignature},
	{"authorization of another scheme too", func(q *request) { q.set("Authorization", "Bearer x") }, idpool.InvalidSignature},
	{"algorithm other", func(q *request) { q.retarget("SHA256", "SHA1") }, idpool.IncompleteSignature},
	{"algorithm gone", func(q *request) { q.retarget("X-Amz-Algorithm=AWS4-HMAC-SHA256&", "") }, idpool.IncompleteSignature},
	{"algorithm twice", func(q *request) { q.target += "&X-Amz-Algorithm=AWS4-HMAC-SHA256" }, idpool.InvalidSignature},
	{"algorithm in another case", func(q *request) { q.retarget("X-Amz-Algorithm", "x-amz-algorithm") }, idpool.InvalidSignature},
	{"credential gone", func(q *request) { q.retarget("X-Amz-Credential", "X-Amz-Credentia") }, idpool.IncompleteSignature},
	{"credential with one part less", func(q *request) { q.retarget("%2Faws4_request", "") }, idpool.IncompleteSignature},
	{"credential with a blank", func(q *request) { q.retarget("AKID", "AKID%20") }, idpool.IncompleteSignature},
	{"credential with a zero byte", func(q *request) { q.retarget("AKID", "AKID%00") }, idpool.IncompleteSignature},
	{"credential of another service", func(q *request) { q.retarget("cognito-identity", "iam") }, idpool.InvalidSignature},
	{"signed headers gone", func(q *request) { q.retarget("&X-Amz-SignedHeaders=host", "") }, idpool.IncompleteSignature},
	{"signed headers without host", func(q *request) { q.retarget("Headers=host", "Headers=user-agent") }, idpool.InvalidSignature},
	{"signature gone", func(q *request) { q.target, _, _ = strings.Cut(q.target, "&X-Amz-Signature") }, idpool.IncompleteSignature},
	{"signature empty", func(q *request) {
		q.target, _, _ = strings.Cut(q.target, "&X-Amz-Signature")
		q.target += "&X-Amz-Signature="
	}, idpool.IncompleteSignature},
	{"signature twice", func(q *request) { q.target += q.target[len(q.target)-len("&X-Amz-Signature=")-64:] }, idpool.InvalidSignature},
	{"signature twice, its name encoded", func(q *request) { q.target += "&X%2DAmz-Signature=00" }, idpool.InvalidSignature},
	{"signature in another case too", func(q *request) { q.target += "&x-amz-signature=00" }, idpool.InvalidSignature},
	{"date altered", func(q *request) { q.retarget("123600Z", "123601Z") }, idpool.InvalidSignature},
	{"date gone", func(q *request) { q.retarget("X-Amz-Date", "Date") }, idpool.IncompleteSignature},
	{"expiry altered", func(q *request) { q.retarget("Expires=900", "Expires=604800") }, idpool.InvalidSignature},
	{"expiry gone", func(q *request) { q.retarget("&X-Amz-Expires=900", "") }, idpool.InvalidSignature},
	{"token altered", func(q *request) { q.retarget("token", "tokem") }, idpool.InvalidSignature},
	{"token gone", func(q *request) { q.retarget("&X-Amz-Security-Token=session%2Btoken", "") }, idpool.InvalidSignature},
	{"token for another after signing", func(q *request) { q.target += "&X-Amz-Security-Token=x" }, idpool.InvalidSignature},
	{"hash of the payload left open", func(q *request) { q.target += "&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD" }, idpool.InvalidSignature},
}

// Requests rightly presigned and refused for what they say.
var signedQuery = []tampering{
	{"expires never", func(q *request) { q.retarget("Expires=900", "Expires=0") }, idpool.InvalidSignature},
	{"expires in the past", func(q *request) { q.retarget("Expires=900", "Expires=-900") }, idpool.InvalidSignature},
	{"expires after more than a week", func(q *request) { q.retarget("Expires=900", "Expires=604801") }, idpool.InvalidSignature},
	{"expires after more than fits", func(q *request) { q.retarget("Expires=900", "Expires=99999999999999999999") }, idpool.InvalidSignature},
	{"expires at no number", func(q *request) { q.retarget("Expires=900", "Expires=9e2") }, idpool.InvalidSignature},
	{"expires at nothing", func(q *request) { q.retarget("Expires=900", "Expires=") }, idpool.InvalidSignature},
	{"expired", func(q *request) {
		q.stamp = "20150830T122059Z"
		q.retarget(testStamp, q.stamp)
	}, idpool.InvalidSignature},
	{"not yet current", func(q *request) {
		q.stamp = "20150830T124101Z"
		q.retarget(testStamp, q.stamp)
	}, idpool.InvalidSignature},
	{"service of another", func(q *request) {
		q.scope = "20150830/us-east-1/sts/aws4_request"
		q.retarget("cognito-identity", "sts")
	}, idpool.InvalidSignature},
	{"signature in another case too", func(q *request) { q.target += "&x-amz-signature=00" }, idpool.InvalidSignature},
	{"token in the header too", func(q *request) {
		q.retarget("Headers=host", "Headers=host%3Bx-amz-security-token")
		q.set("X-Amz-Security-Token", "session+token")
	}, idpool.InvalidSignature},
	{"payload not signed", func(q *request) {
		q.retarget("&X-Amz-Credential", "&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&X-Amz-Credential")
	}, idpool.InvalidSignature},
	{"scope of another terminator", func(q *request) {
		q.scope = "20150830/us-east-1/cognito-identity/aws5_request"
		q.retarget("aws4_request", "aws5_request")
	}, idpool.InvalidSignature},
	{"amz header not signed", func(q *request) {
		q.set("X-Amz-Target", "x")
		q.signed = []string{"host"}
	}, idpool.InvalidSignature},
}

// TestSignersRememberOneScope: whatever was asked for before, the key is that of
// the scope.
func TestSignersRememberOneScope(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s signer
		some := func(texts ...string) *rapid.Generator[string] { return rapid.SampledFrom(texts) }
		for range rapid.IntRange(1, 10).Draw(t, "times") {
			of := scope{
				some("a", "ab").Draw(t, "secret"), some("20150830", "20150831").Draw(t, "day"),
				some("us-east-1", "eu-west-1").Draw(t, "region"), some("sts", "iam").Draw(t, "service"),
			}
			if got, want := s.signingKey(of), of.signingKey(); !bytes.Equal(got, want) {
				t.Fatalf("%+v: %x, want %x", of, got, want)
			}
		}
	})
}

// TestHeadersByLowerCase holds valuesOf to net/http.
func TestHeadersByLowerCase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching("[a-z0-9!#$%&'*+.^_`|~-]{1,100}").Draw(t, "name")
		if !headerName(name) {
			t.Fatalf("%q is no name", name)
		}
		header := http.Header{}
		header.Add(name, "one")
		header.Add(name, "two")
		if got := valuesOf(header, name); !slices.Equal(got, header.Values(name)) {
			t.Fatalf("%q: %q", name, got)
		}
	})
}

func TestTampering(t *testing.T) {
	total := 0
	for _, group := range []struct {
		name    string
		base    func() *request
		presign bool
		before  bool // the change comes before the signing
		table   []tampering
	}{
		{"altered, header", jsonRequest, false, false, alteredHeader},
		{"signed, header", jsonRequest, false, true, signedHeader},
		{"altered, query", queryRequest, true, false, alteredQuery},
		{"signed, query", queryRequest, true, true, signedQuery},
	} {
		whole := group.base()
		whole.sign(group.presign)
		if _, err := authenticate(whole.receive(t), []byte(whole.body), "cognito-identity", testNow); err != nil {
			t.Fatalf("%s: the request as it was: %v", group.name, err)
		}
		for _, test := range group.table {
			total++
			t.Run(group.name+"/"+test.name, func(t *testing.T) {
				q := group.base()
				if group.before {
					test.do(q)
				}
				q.sign(group.presign)
				if !group.before {
					test.do(q)
				}
				_, err := authenticate(q.receive(t), []byte(q.body), "cognito-identity", testNow)
				if err == nil {
					t.Fatal("accepted")
				}
				if got := idpool.KindOf(err); got != test.want {
					t.Errorf("kind %d (%v), want %d", got, err, test.want)
				}
				if strings.Contains(err.Error(), testSecret) {
					t.Errorf("the secret is in %q", err)
				}
			})
		}
	}
	if total < 60 {
		t.Errorf("only %d ways to tamper", total)
	}
}

// TestAuthorizationForms holds what is left to the client.
func TestAuthorizationForms(t *testing.T) {
	for name, do := range map[string]func(*request){
		"no blanks after commas":   func(q *request) { q.swap("Authorization", ", Sig", ",Sig"); q.swap("Authorization", ", Sig", ",Sig") },
		"more blanks after commas": func(q *request) { q.swap("Authorization", ", Sig", ",   Sig") },
		"blanks before commas":     func(q *request) { q.swap("Authorization", ", Sig", " , Sig") },
		"blanks after algorithm":   func(q *request) { q.swap("Authorization", "SHA256 ", "SHA256   ") },
		"other order": func(q *request) {
			h := &q.headers[len(q.headers)-1][1]
			fields := strings.Split(strings.TrimPrefix(*h, "AWS4-HMAC-SHA256 "), ", ")
			*h = "AWS4-HMAC-SHA256 " + fields[2] + "," + fields[0] + "," + fields[1]
		},
		"header names in lower case": func(q *request) {
			for i := range q.headers {
				q.headers[i][0] = strings.ToLower(q.headers[i][0])
			}
		},
		"blanks in a header folded":  func(q *request) { q.swap("Content-Type", "application", "  application") },
		"header that is not signed":  func(q *request) { q.set("Accept-Encoding", "gzip") },
		"trace header of a balancer": func(q *request) { q.set("X-Amzn-Trace-Id", "Root=1") },
	} {
		t.Run(name, func(t *testing.T) {
			q := jsonRequest()
			q.sign(false)
			do(q)
			s, err := authenticate(q.receive(t), []byte(q.body), "cognito-identity", testNow)
			if err != nil {
				t.Fatal(err)
			}
			if s.AccessKeyID != testKeyID || s.Region != "us-east-1" || s.Service != "cognito-identity" || s.Presigned ||
				s.SessionToken != "session+token/1==" || !s.Date.Equal(testNow) {
				t.Errorf("got %+v", s)
			}
		})
	}
	t.Run("presigned", func(t *testing.T) {
		q := queryRequest()
		q.sign(true)
		s, err := authenticate(q.receive(t), nil, "cognito-identity", testNow)
		if err != nil || !s.Presigned || s.SessionToken != "session+token" {
			t.Errorf("got %+v, %v", s, err)
		}
	})
	t.Run("presigned, token in a signed header", func(t *testing.T) {
		q := queryRequest()
		q.retarget("&X-Amz-Security-Token=session%2Btoken", "")
		q.retarget("Headers=host", "Headers=host%3Bx-amz-security-token")
		q.set("X-Amz-Security-Token", "in the header")
		q.sign(true)
		s, err := authenticate(q.receive(t), nil, "cognito-identity", testNow)
		if err != nil || s.SessionToken != "in the header" {
			t.Errorf("got %+v, %v", s, err)
		}
	})
}

// TestTexts holds the texts of the services, to the blank at the end
// (behaviour 1.4 and 1.6).
func TestTexts(t *testing.T) {
	const mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	const scope = "20150830/us-east-1/cognito-identity/aws4_request"
	for _, test := range []struct {
		name    string
		presign bool
		do      func(*request)
		want    string // {header} stands for the Authorization header
	}{
		{"none", false, func(q *request) { q.drop("Authorization") }, "Missing Authentication Token"},
		{"both", true, func(q *request) { q.set("Authorization", "AWS4-HMAC-SHA256 x") },
			"Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."},
		{"no credential", false, func(q *request) { q.set("Authorization", "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00") },
			"Authorization header requires 'Credential' parameter. Authorization={header}"},
		{"no signature", false, func(q *request) {
			q.set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host")
		},
			"Authorization header requires 'Signature' parameter. Authorization={header}"},
		{"no signed headers", false, func(q *request) { q.set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Signature=00") },
			"Authorization header requires 'SignedHeaders' parameter. Authorization={header}"},
		{"no date", false, func(q *request) { q.drop("X-Amz-Date") },
			"Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization={header}"},
		{"nothing in the header", false, func(q *request) { q.drop("X-Amz-Date"); q.set("Authorization", "AWS4-HMAC-SHA256") },
			"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. " +
				"Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256"},
		{"no equal-sign", false, func(q *request) { q.set("Authorization", "AWS4-HMAC-SHA256 x") },
			"'x' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 x'."},
		{"nothing in the query", true, func(q *request) { q.target = "/?X-Amz-Algorithm=" },
			"AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. " +
				"AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."},
		{"no signature in the query", true, func(q *request) { q.target, _, _ = strings.Cut(q.target, "&X-Amz-Signature") },
			"AWS query-string parameters must include 'X-Amz-Signature'. Re-examine the query-string parameters."},
		{"credential", false, func(q *request) { q.swap("Authorization", "AKIDEXAMPLE/"+scope, "a/b/c/d") },
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c/d'"},
		{"date", false, func(q *request) { q.set("X-Amz-Date", "201") },
			"Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{"algorithm", false, func(q *request) { q.swap("Authorization", "SHA256", "SHA25") },
			"Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). "},
		{"host", false, func(q *request) { q.swap("Authorization", "host;", "") },
			"'Host' must be a 'SignedHeader' in the AWS Authorization."},
		{"amz header", false, func(q *request) { q.swap("Authorization", ";x-amz-target", "") },
			"'x-amz-target' must be a 'SignedHeader' in the AWS Authorization."},
		{"mismatch", false, func(q *request) { q.body = "{}" }, mismatch},
		{"mismatch, presigned", true, func(q *request) { q.body = "{}" }, mismatch},
		{"mismatch, no hexadecimal", false, func(q *request) { q.swap("Authorization", "Signature=", "Signature=x") }, mismatch},
		{"old", false, func(q *request) { q.set("X-Amz-Date", "20150830T122500Z") },
			"Signature expired: 20150830T122500Z is now earlier than 20150830T123100Z (20150830T123600Z - 5 min.)"},
		{"early", false, func(q *request) { q.set("X-Amz-Date", "20150830T124500Z") },
			"Signature not yet current: 20150830T124500Z is still later than 20150830T124100Z (20150830T123600Z + 5 min.)"},
		{"old, presigned", true, func(q *request) { q.retarget(testStamp, "20150830T120000Z") },
			"Signature expired: 20150830T120000Z is now earlier than 20150830T122100Z (20150830T123600Z - 15 min.)"},
		{"old, presigned for seconds", true, func(q *request) {
			q.retarget(testStamp, "20150830T123429Z")
			q.retarget("Expires=900", "Expires=90")
		}, "Signature expired: 20150830T123429Z is now earlier than 20150830T123430Z (20150830T123600Z - 90 sec.)"},
		{"scope day", false, func(q *request) { q.swap("Authorization", "20150830", "20150829") },
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != '20150830', from '20150830T123600Z'."},
		{"scope region", false, func(q *request) { q.swap("Authorization", "us-east-1", "nowhere") },
			"Credential should be scoped to a valid region, not 'nowhere'. "},
		{"scope service", false, func(q *request) { q.swap("Authorization", "cognito-identity", "sts") },
			"Credential should be scoped to correct service: 'cognito-identity'. "},
		{"scope terminator", false, func(q *request) { q.swap("Authorization", "aws4_request", "x") },
			"Credential should be scoped with a valid terminator: 'aws4_request', not 'x'. "},
		{"scope, all of it", false, func(q *request) { q.swap("Authorization", scope, "b/c/d/e") },
			"Credential should be scoped to a valid region, not 'c'. Credential should be scoped to correct service: 'cognito-identity'. " +
				"Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. " +
				"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != '20150830', from '20150830T123600Z'."},
		{"payload", false, func(q *request) {
			q.swap("Authorization", "x-amz-date", "x-amz-content-sha256;x-amz-date")
			q.set("X-Amz-Content-Sha256", sha(""))
		}, "The provided 'x-amz-content-sha256' header does not match what was computed."},
		{"payload not signed", false, func(q *request) {
			q.swap("Authorization", "x-amz-date", "x-amz-content-sha256;x-amz-date")
			q.set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		}, "The payload must be signed: 'x-amz-content-sha256' cannot be 'UNSIGNED-PAYLOAD'."},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := jsonRequest()
			if test.presign {
				q = queryRequest()
			}
			q.sign(test.presign)
			test.do(q)
			r := q.receive(t)
			want := strings.ReplaceAll(test.want, "{header}", r.Header.Get("Authorization"))
			if _, err := authenticate(r, []byte(q.body), "cognito-identity", testNow); err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}

// TestScheme holds that the secrets of other schemes are not repeated.
func TestScheme(t *testing.T) {
	r := &http.Request{Method: "POST", URL: &url.URL{Path: "/"}, Header: http.Header{"Authorization": {"Bearer eyJ.very.secret"}}}
	if _, err := ParseSignature(r); idpool.KindOf(err) != idpool.MissingAuthentication || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestWindow(t *testing.T) {
	const five, fifteen, week = 5 * time.Minute, 15 * time.Minute, 7 * 24 * time.Hour
	for _, test := range []struct {
		window, expires time.Duration // expires 0: signed in the header
		age             time.Duration // of the request; negative: from the future
		fraction        time.Duration // of the server's second
		ok              bool
	}{
		{five, 0, 0, 0, true},
		{five, 0, 4 * time.Minute, 0, true},
		{five, 0, five, 0, true},
		{five, 0, five, 999 * time.Millisecond, true},
		{five, 0, five + time.Second, 0, false},
		{five, 0, 16 * time.Minute, 0, false},
		{five, 0, -4 * time.Minute, 0, true},
		{five, 0, -five, 0, true},
		{five, 0, -five, 999 * time.Millisecond, true},
		{five, 0, -five - time.Second, 0, false},
		{five, 0, -five - time.Second, 999 * time.Millisecond, false},
		{five, 0, -16 * time.Minute, 0, false},
		{fifteen, 0, fifteen, 0, true},
		{fifteen, 0, fifteen + time.Second, 0, false},
		{fifteen, 0, -fifteen, 0, true},
		{fifteen, 0, -fifteen - time.Second, 0, false},
		{fifteen, 0, 24 * time.Hour, 0, false},
		{five, time.Second, time.Second, 0, true},
		{five, time.Second, 2 * time.Second, 0, false},
		{five, time.Minute, time.Minute, 0, true},
		{five, time.Minute, 61 * time.Second, 0, false},
		{five, week, week, 0, true},
		{five, week, week + time.Second, 0, false},
		{five, week, -five, 0, true},
		{five, week, -five - time.Second, 0, false},
		{fifteen, week, -fifteen, 0, true},
		{fifteen, week, -fifteen - time.Second, 0, false},
	} {
		now := testNow.Add(test.fraction)
		at := testNow.Add(-test.age)
		var q *request
		if test.expires == 0 {
			q = jsonRequest()
			q.stamp = at.Format(stampForm)
			q.set("X-Amz-Date", q.stamp)
		} else {
			q = queryRequest()
			q.stamp = at.Format(stampForm)
			q.retarget(testStamp, q.stamp)
			q.retarget("Expires=900", fmt.Sprintf("Expires=%d", int(test.expires.Seconds())))
			q.retarget("%2F20150830%2F", "%2F"+q.stamp[:8]+"%2F")
		}
		q.scope = q.stamp[:8] + "/us-east-1/cognito-identity/aws4_request"
		q.sign(test.expires != 0)
		r := q.receive(t)
		s, err := ParseSignature(r)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Check("cognito-identity", now, test.window)
		if test.ok && err != nil || !test.ok && idpool.KindOf(err) != idpool.InvalidSignature {
			t.Errorf("%+v: %v", test, err)
		}
		if err := s.Verify(r, []byte(q.body), testSecret); err != nil {
			t.Errorf("%+v: %v", test, err)
		}
		minutes := fmt.Sprintf("%d min.", test.window/time.Minute)
		if !test.ok && (test.expires == 0 || test.age < 0) && !strings.Contains(err.Error(), minutes) {
			t.Errorf("%+v: %v does not speak of %s", test, err, minutes)
		}
	}
}

// TestPresignedWithoutExpiry holds that it lasts as long as a header would.
func TestPresignedWithoutExpiry(t *testing.T) {
	q := queryRequest()
	q.retarget("&X-Amz-Expires=900", "")
	q.sign(true)
	for age, ok := range map[time.Duration]bool{5 * time.Minute: true, 5*time.Minute + time.Second: false} {
		if _, err := authenticate(q.receive(t), nil, "cognito-identity", testNow.Add(age)); (err == nil) != ok {
			t.Errorf("after %s: %v", age, err)
		}
	}
}

// TestMiddleware holds that what is verified is what will be served: a path
// that was rewritten on the way is not the one that was signed.
func TestMiddleware(t *testing.T) {
	q := jsonRequest()
	q.sign(false)
	q.target = "/pre%66ix/"
	r := q.receive(t)
	if wirePath(r.URL) != "/pre%66ix/" {
		t.Errorf("got %s", wirePath(r.URL))
	}
	r.URL.Path = "/" // RawPath stays
	if wirePath(r.URL) != "/" {
		t.Errorf("got %s", wirePath(r.URL))
	}
	if _, err := authenticate(r, []byte(q.body), "cognito-identity", testNow); err != nil {
		t.Error(err)
	}
}
