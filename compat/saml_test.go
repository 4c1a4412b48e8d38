package compat

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	citypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// corp is an identity provider that runs in the test: crewjam's, which knows AWS
// as a service provider and signs whoever asks in.
type corp struct {
	*httptest.Server
	provider saml.IdentityProvider
	arn      string // at IAM
	account  string
}

// awsMetadata is what AWS publishes about itself, as far as it matters.
const awsMetadata = "urn:amazon:webservices"

func (s *site) corp(t *testing.T) *corp {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "corp"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	c := &corp{account: s.account, arn: "arn:aws:iam::" + s.account + ":saml-provider/crew"}
	mux := http.NewServeMux()
	c.Server = httptest.NewServer(mux)
	t.Cleanup(c.Close)
	at := func(path string) url.URL {
		u, err := url.Parse(c.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		return *u
	}
	c.provider = saml.IdentityProvider{
		Key: key, Certificate: certificate, MetadataURL: at("/metadata"), SSOURL: at("/sso"),
		ServiceProviderProvider: c, SessionProvider: c, SignatureMethod: dsig.RSASHA256SignatureMethod,
	}
	mux.HandleFunc("/metadata", c.provider.ServeMetadata)
	mux.HandleFunc("/start", func(w http.ResponseWriter, r *http.Request) { c.provider.ServeIDPInitiated(w, r, awsMetadata, "") })
	if _, err := s.iam.CreateSAMLProvider(t.Context(), &iam.CreateSAMLProviderInput{Name: aws.String("crew"), SAMLMetadataDocument: aws.String(c.get(t, "/metadata"))}); err != nil {
		t.Fatal(err)
	}
	return c
}

// GetServiceProvider implements saml.ServiceProviderProvider.
func (*corp) GetServiceProvider(_ *http.Request, id string) (*saml.EntityDescriptor, error) {
	if id != awsMetadata {
		return nil, os.ErrNotExist
	}
	return &saml.EntityDescriptor{EntityID: awsMetadata, SPSSODescriptors: []saml.SPSSODescriptor{{
		AssertionConsumerServices: []saml.IndexedEndpoint{{Binding: saml.HTTPPostBinding, Location: "https://signin.aws.amazon.com/saml", Index: 1}},
	}}}, nil
}

// GetSession implements saml.SessionProvider: who it is stands in the address.
func (c *corp) GetSession(_ http.ResponseWriter, r *http.Request, _ *saml.IdpAuthnRequest) *saml.Session {
	attribute := func(name string, values ...string) saml.Attribute {
		a := saml.Attribute{Name: name, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}
		for _, v := range values {
			a.Values = append(a.Values, saml.AttributeValue{Type: "xs:string", Value: v})
		}
		return a
	}
	q := r.URL.Query()
	var roles []string
	for _, role := range q["role"] {
		roles = append(roles, "arn:aws:iam::"+c.account+":role/"+role+","+c.arn)
	}
	const ours = "https://aws.amazon.com/SAML/Attributes/"
	return &saml.Session{
		ID: "1", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour), Index: "1", NameID: q.Get("who"), NameIDFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
		UserEmail: q.Get("who") + "@example.com", Groups: q["group"],
		CustomAttributes: []saml.Attribute{attribute(ours+"Role", roles...), attribute(ours+"RoleSessionName", q.Get("who")), attribute(ours+"PrincipalTag:team", "red")},
	}
}

func (c *corp) get(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get(c.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s: %s, %v", path, resp.Status, err)
	}
	return string(body)
}

var postedResponse = regexp.MustCompile(`name="SAMLResponse" value="([^"]+)"`)

// response signs somebody in and returns what their browser would post to AWS.
func (c *corp) response(t *testing.T, who string, roles ...string) string {
	t.Helper()
	found := postedResponse.FindStringSubmatch(c.get(t, "/start?"+url.Values{"who": {who}, "role": roles, "group": {"staff", "people"}}.Encode()))
	if found == nil {
		t.Fatal("the provider posts no response")
	}
	return strings.ReplaceAll(found[1], "&#43;", "+")
}

// changed is a response with a text in it changed.
func changed(t *testing.T, response, old, new string) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(response)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatalf("no %q in the response: %v", old, err)
	}
	return base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(string(text), old, new)))
}

// assumeRoleWithSAML takes responses of somebody else's provider to the STS.
func assumeRoleWithSAML(t *testing.T, s *site) {
	ctx := t.Context()
	c := s.corp(t)
	assume := func(role, response string) (*sts.AssumeRoleWithSAMLOutput, error) {
		return s.sts.AssumeRoleWithSAML(ctx, &sts.AssumeRoleWithSAMLInput{RoleArn: aws.String(s.role(role)), PrincipalArn: &c.arn, SAMLAssertion: &response, DurationSeconds: aws.Int32(900)})
	}
	response := c.response(t, "ann", "staff", "boss")
	before := time.Now()
	out, err := assume("staff", response)
	if err != nil {
		t.Fatal(err)
	}
	session := fromSTS(out.Credentials)
	checkCredentials(t, session, before, 15*time.Minute)
	s.isSession(t, session, "staff", "ann")
	if *out.Subject != "ann" || *out.SubjectType != "persistent" || *out.Issuer != c.URL+"/metadata" || *out.Audience != "https://signin.aws.amazon.com/saml" || len(*out.NameQualifier) != 28 || packedSize(out) != 1 {
		t.Errorf("got %+v", out)
	}
	_, err = assume("boss", response)
	refused[*ststypes.InvalidIdentityTokenException](t, err, "The SAML assertion was used before.")
	_, err = assume("other", c.response(t, "ann", "staff"))
	unmodelled(t, err, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML")
	_, err = assume("staff", changed(t, c.response(t, "ann", "staff"), ">ann</saml:NameID>", ">bob</saml:NameID>"))
	refused[*ststypes.InvalidIdentityTokenException](t, err, "Response signature invalid")
}

// TestSAML follows a person of somebody else's provider through the enhanced
// flow.
func TestSAML(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, h *host) {
		s := h.site(t)
		ctx, c := t.Context(), s.corp(t)
		pool, err := s.cognito.CreateIdentityPool(ctx, &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("staff"), SamlProviderARNs: []string{c.arn}})
		if err != nil {
			t.Fatal(err)
		}
		logins := func(who string, roles ...string) map[string]string {
			return map[string]string{c.arn: c.response(t, who, roles...)}
		}
		ann, bob := s.id(t, *pool.IdentityPoolId, logins("ann", "staff")), s.id(t, *pool.IdentityPoolId, logins("bob", "staff"))
		if again := s.id(t, *pool.IdentityPoolId, logins("ann", "staff")); again != ann || bob == ann {
			t.Errorf("ann is %s, then %s, and bob %s", ann, again, bob)
		}
		get := func(custom *string, logins map[string]string) (*ci.GetCredentialsForIdentityOutput, error) {
			return s.cognito.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: &ann, Logins: logins, CustomRoleArn: custom})
		}
		for role, out := range map[string]func() (*ci.GetCredentialsForIdentityOutput, error){
			"staff": func() (*ci.GetCredentialsForIdentityOutput, error) { return get(nil, logins("ann", "staff")) },
			"boss": func() (*ci.GetCredentialsForIdentityOutput, error) {
				return get(aws.String(s.role("boss")), logins("ann", "staff", "boss"))
			},
		} {
			got, err := out()
			if err != nil {
				t.Fatal(err)
			}
			s.isSession(t, fromCognito(got.Credentials), role, "CognitoIdentityCredentials")
		}
		_, err = get(nil, logins("ann", "staff", "boss"))
		refused[*citypes.InvalidParameterException](t, err, "The login token offers 2 roles. CustomRoleArn must name one of them.")
		_, err = get(nil, map[string]string{c.arn: changed(t, c.response(t, "ann", "staff"), "role/staff,", "role/boss,")})
		refused[*citypes.NotAuthorizedException](t, err, "Invalid base64 SAMLResponse")
		_, err = get(nil, logins("bob", "staff"))
		refused[*citypes.NotAuthorizedException](t, err, "Logins don't match. Please include at least one valid login for this identity or identity pool.")
		_, err = s.cognito.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &ann, Logins: logins("ann", "staff")})
		refused[*citypes.InvalidParameterException](t, err, "Basic (classic) flow is not supported with SAML providers, please use enhanced flow.")
	})
}
