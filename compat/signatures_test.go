package compat

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
)

// onTheWay alters what a client of the SDK sends.
type onTheWay struct {
	transport http.RoundTripper
	alter     func(r *http.Request, body []byte) []byte
}

func (o onTheWay) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	body = o.alter(r, body)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return o.transport.RoundTrip(r)
}

// seal is how a request is signed.
type seal struct {
	key             aws.Credentials
	service, region string
	at              time.Time
}

// sign signs a request anew with the SDK's signer.
func (s seal) sign(r *http.Request, body []byte) {
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		r.Header.Del(name)
	}
	hash := sha256.Sum256(body)
	r.ContentLength = int64(len(body))
	if err := v4.NewSigner().SignHTTP(r.Context(), s.key, r, hex.EncodeToString(hash[:]), s.service, s.region, s.at); err != nil {
		panic(err)
	}
}

// wording is how a service says that a signature is wrong.
type wording struct{ missing, incomplete, wrong, unknownKey, unknownSession, expired, missingText, sessionText string }

// wordingOf is that of behaviour 1.6 for Cognito Identity, and of 8.2 for the
// services of the Query protocol.
func wordingOf(service string) wording {
	const invalid = "The security token included in the request is invalid"
	if service == "cognito-identity" {
		return wording{"MissingAuthenticationTokenException", "IncompleteSignatureException", "InvalidSignatureException",
			"UnrecognizedClientException", "UnrecognizedClientException", "ExpiredTokenException", "Missing Authentication Token", invalid + "."}
	}
	return wording{"MissingAuthenticationToken", "IncompleteSignature", "SignatureDoesNotMatch",
		"InvalidClientTokenId", "InvalidClientTokenId", "ExpiredToken", "Request is missing Authentication Token", invalid}
}

const mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

// TestSignatures tries the signed operations of a strict server with everything
// but the right signature: each operation with the usual attacks, and one of
// each service with all.
func TestSignatures(t *testing.T) {
	t.Parallel()
	h := newHost(t, true)
	s := h.site(t)
	root, err := s.root.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	minted := func() aws.Credentials {
		guest := s.id(t, s.pool(t), nil)
		out, err := s.cognito.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &guest})
		if err != nil {
			t.Fatal(err)
		}
		return fromCognito(out.Credentials)
	}
	session, second := minted(), minted()
	with := func(c aws.Credentials, change func(*aws.Credentials)) aws.Credentials {
		change(&c)
		return c
	}
	alter := func(token string) string {
		middle := len(token) / 2
		other := map[bool]string{true: "B", false: "A"}[token[middle] == 'A']
		return token[:middle] + other + token[middle+1:]
	}
	usual := []string{"no signature", "another scheme", "junk", "another secret", "another service"}
	all := map[string]bool{} // services that had all attacks
	minutes := map[string]int{"cognito-identity": 5, "sts": 15, "iam": 15}
	for _, name := range slices.Sorted(maps.Keys(registered)) {
		if registered[name].Public {
			continue
		}
		service, op, _ := strings.Cut(name, ":")
		w, window := wordingOf(service), time.Duration(minutes[service])*time.Minute
		right := func() seal { return seal{root, service, region, time.Now()} }
		signed := func(change func(*seal)) func(*http.Request, []byte) []byte {
			return func(r *http.Request, body []byte) []byte {
				s := right()
				change(&s)
				s.sign(r, body)
				return body
			}
		}
		header := func(text string) func(*http.Request, []byte) []byte {
			return func(r *http.Request, body []byte) []byte { r.Header.Set("Authorization", text); return body }
		}
		const lacks = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/any/aws4_request"
		key := func(c aws.Credentials) func(*http.Request, []byte) []byte { return signed(func(s *seal) { s.key = c }) }
		for _, attack := range []struct {
			name  string
			alter func(*http.Request, []byte) []byte
			code  string
			text  string // a regular expression
		}{
			{"no signature", func(r *http.Request, body []byte) []byte { r.Header.Del("Authorization"); return body }, w.missing, regexp.QuoteMeta(w.missingText)},
			{"another scheme", header("Bearer secret"), w.missing, regexp.QuoteMeta(w.missingText)},
			{"junk", header("AWS4-HMAC-SHA256 junk"), w.incomplete, regexp.QuoteMeta("'junk' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 junk'.")},
			{"parts missing", header(lacks), w.incomplete, regexp.QuoteMeta("Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=" + lacks)},
			{"in header and query", func(r *http.Request, body []byte) []byte {
				r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256"
				return body
			}, w.wrong,
				"Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header\\."},

			{"another secret", key(with(root, func(c *aws.Credentials) { c.SecretAccessKey += "x" })), w.wrong, regexp.QuoteMeta(mismatch)},
			{"an unknown key", key(with(root, func(c *aws.Credentials) { c.AccessKeyID = "AKIANOBODYNOBODYNOBO" })), w.unknownKey, "The security token included in the request is invalid\\."},
			{"another account's secret", key(with(root, func(c *aws.Credentials) { _, c.SecretAccessKey = h.RootKey() })), w.wrong, regexp.QuoteMeta(mismatch)},
			{"a body signed otherwise", func(r *http.Request, body []byte) []byte { right().sign(r, append([]byte(" "), body...)); return body }, w.wrong, regexp.QuoteMeta(mismatch)},
			{"a header signed otherwise", func(r *http.Request, body []byte) []byte {
				right().sign(r, body)
				r.Header.Set("Amz-Sdk-Request", "attempt=2; max=9")
				return body
			}, w.wrong, regexp.QuoteMeta(mismatch)},

			{"another service", signed(func(s *seal) { s.service = "s3" }), w.wrong, "Credential should be scoped to correct service: '" + service + "'\\. "},
			{"another region than signed", func(r *http.Request, body []byte) []byte {
				right().sign(r, body)
				r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/"+region+"/", "/eu-west-1/", 1))
				return body
			}, w.wrong, regexp.QuoteMeta(mismatch)},
			{"no region", signed(func(s *seal) { s.region = "nowhere" }), w.wrong, "Credential should be scoped to a valid region, not 'nowhere'\\. "},
			{"too old", signed(func(s *seal) { s.at = s.at.Add(-window - time.Minute) }), w.wrong,
				fmt.Sprintf(`Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - %d min\.\)`, minutes[service])},
			{"too early", signed(func(s *seal) { s.at = s.at.Add(window + time.Minute) }), w.wrong,
				fmt.Sprintf(`Signature not yet current: \d{8}T\d{6}Z is still later than \d{8}T\d{6}Z \(\d{8}T\d{6}Z \+ %d min\.\)`, minutes[service])},

			{"a session token that is none", key(with(session, func(c *aws.Credentials) { c.SessionToken = "c2Vzc2lvbg==" })), w.unknownSession, regexp.QuoteMeta(w.sessionText)},
			{"another session's token", key(with(session, func(c *aws.Credentials) { c.SessionToken = second.SessionToken })), w.unknownSession, regexp.QuoteMeta(w.sessionText)},
			{"an altered token", key(with(session, func(c *aws.Credentials) { c.SessionToken = alter(c.SessionToken) })), w.unknownSession, regexp.QuoteMeta(w.sessionText)},
			{"another session's secret", key(with(session, func(c *aws.Credentials) { c.SecretAccessKey = second.SecretAccessKey })), w.wrong, regexp.QuoteMeta(mismatch)},
			{"a session without its token", key(with(session, func(c *aws.Credentials) { c.SessionToken = "" })), w.unknownKey, "The security token included in the request is invalid\\."},
			{"a token beside a long-lived key", key(with(root, func(c *aws.Credentials) { c.SessionToken = session.SessionToken })), w.unknownSession, regexp.QuoteMeta(w.sessionText)},
		} {
			if all[service] && !slices.Contains(usual, attack.name) {
				continue
			}
			t.Run(op+"/"+attack.name, func(t *testing.T) {
				c := h.clients(region, s.root, onTheWay{h.transport, attack.alter})
				_, err := c.byName(t, name, nil)
				e, ok := errors.AsType[smithy.APIError](err)
				if !ok || !regexp.MustCompile(`^(`+attack.text+`)$`).MatchString(e.ErrorMessage()) {
					t.Fatalf("got %v, want %s: %s", err, attack.code, attack.text)
				}
				unmodelled(t, err, attack.code, e.ErrorMessage())
			})
		}
		all[service] = true
		// Signed anew and rightly it gets through to the operation, or to its
		// refusal: so it was not the altering.
		c := h.clients(region, s.root, onTheWay{h.transport, signed(func(*seal) {})})
		if _, err := c.byName(t, name, nil); err != nil && strings.Contains(err.Error(), "ignature") {
			t.Errorf("%s, signed rightly: %v", name, err)
		}
	}
}

// TestPublicOperations holds of the public operations of a strict server that
// they need no signature, take a right one, and do not overlook a wrong one.
func TestPublicOperations(t *testing.T) {
	t.Parallel()
	h := newHost(t, true)
	s := h.site(t)
	root, err := s.root.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pool := s.pool(t)
	ann := s.one.login("ann")
	id := s.id(t, pool, ann)
	token, err := s.cognito.GetOpenIdToken(t.Context(), &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: ann})
	if err != nil {
		t.Fatal(err)
	}
	inputs := map[string]any{"IdentityPoolId": pool, "IdentityId": id, "Logins": ann, "LoginsToRemove": []string{}, "WebIdentityToken": *token.Token, "RoleArn": s.role("people"),
		"PrincipalArn": "arn:aws:iam::" + s.account + ":saml-provider/missing"}
	// through says that the operation was reached: no SAML response is good twice, so
	// AssumeRoleWithSAML gets as far as a provider that there is not.
	through := func(name string, err error) bool {
		if name == "sts:AssumeRoleWithSAML" {
			refusal, ok := errors.AsType[*ststypes.InvalidIdentityTokenException](err)
			return ok && refusal.ErrorMessage() == "Specified provider doesn't exist"
		}
		return err == nil
	}
	public := []string{}
	for name, op := range registered {
		if !op.Public {
			continue
		}
		public = append(public, name)
		service, _, _ := strings.Cut(name, ":")
		w := wordingOf(service)
		call := func(alter func(*http.Request, []byte) []byte) error {
			_, err := h.clients(region, s.root, onTheWay{h.transport, alter}).byName(t, name, inputs)
			return err
		}
		if err := call(func(r *http.Request, body []byte) []byte {
			if r.Header.Get("Authorization") != "" {
				t.Errorf("%s: the SDK signs it", name)
			}
			return body
		}); !through(name, err) {
			t.Errorf("%s, unsigned: %v", name, err)
		}
		sign := func(change func(*seal)) func(*http.Request, []byte) []byte {
			return func(r *http.Request, body []byte) []byte {
				s := seal{root, service, region, time.Now()}
				change(&s)
				s.sign(r, body)
				return body
			}
		}
		if err := call(sign(func(*seal) {})); !through(name, err) {
			t.Errorf("%s, signed: %v", name, err)
		}
		unmodelled(t, call(sign(func(s *seal) { s.key.SecretAccessKey = "another" })), w.wrong, mismatch)
		unmodelled(t, call(sign(func(s *seal) { s.service = "s3" })), w.wrong, "Credential should be scoped to correct service: '"+service+"'. ")
		unmodelled(t, call(func(r *http.Request, body []byte) []byte {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 junk")
			return body
		}),
			w.incomplete, "'junk' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 junk'.")
	}
	slices.Sort(public)
	if want := []string{"cognito-identity:GetCredentialsForIdentity", "cognito-identity:GetId", "cognito-identity:GetOpenIdToken", "cognito-identity:UnlinkIdentity", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"}; !slices.Equal(public, want) {
		t.Errorf("public are %q, want %q", public, want)
	}
}
