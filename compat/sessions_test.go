package compat

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"idpool/idpooltest"
	"idpool/internal/login/logintest"
)

// claims are those of an OpenID token of ours (behaviour 5.2).
type claims struct {
	Sub, Aud, Iss string
	AMR           []string
	PoolARN       string `json:"https://cognito-identity.amazonaws.com/identity-pool-arn"`
	Tags          struct {
		PrincipalTags map[string][]string `json:"principal_tags"`
	} `json:"https://aws.amazon.com/tags"`
	Iat, Exp int64
}

// believe verifies an OpenID token as a relying party does: with nothing but
// the issuer's address and what is published there.
func (s *site) believe(t *testing.T, token string) claims {
	t.Helper()
	var discovery struct {
		Issuer  string
		JWKSURI string `json:"jwks_uri"`
	}
	s.fetch(t, s.URL+"/.well-known/openid-configuration", &discovery)
	if discovery.Issuer != s.URL {
		t.Errorf("the discovery document is that of %s", discovery.Issuer)
	}
	var set struct {
		Keys []struct{ Kty, Alg, Use, Kid, N, E string }
	}
	s.fetch(t, discovery.JWKSURI, &set)
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("the token has %d parts", len(parts))
	}
	var header struct{ Alg, Typ, Kid string }
	unpack(t, parts[0], &header)
	for _, k := range set.Keys {
		if k.Kid != header.Kid || k.Kty != "RSA" || k.Alg != "RS512" || k.Use != "sig" {
			continue
		}
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(decode64(t, k.N)), E: int(new(big.Int).SetBytes(decode64(t, k.E)).Int64())}
		sum := sha512.Sum512([]byte(parts[0] + "." + parts[1]))
		if err := rsa.VerifyPKCS1v15(public, crypto.SHA512, sum[:], decode64(t, parts[2])); err != nil {
			t.Errorf("the token's signature: %v", err)
		}
		if header.Alg != "RS512" || header.Typ != "JWS" || !strings.HasPrefix(header.Kid, region) {
			t.Errorf("the token's header is %+v", header)
		}
		var c claims
		unpack(t, parts[1], &c)
		return c
	}
	t.Fatalf("no key %q is published: %+v", header.Kid, set)
	return claims{}
}

func (s *site) fetch(t *testing.T, url string, into any) {
	t.Helper()
	resp, err := (&http.Client{Transport: s.transport}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d %v", url, resp.StatusCode, err)
	}
}

func unpack(t *testing.T, part string, into any) {
	t.Helper()
	if err := json.Unmarshal(decode64(t, part), into); err != nil {
		t.Fatal(err)
	}
}

func decode64(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func fromCognito(c *types.Credentials) aws.Credentials {
	return aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretKey, SessionToken: *c.SessionToken, Expires: *c.Expiration}
}

func fromSTS(c *ststypes.Credentials) aws.Credentials {
	return aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken, Expires: *c.Expiration}
}

var sessionKeyForm = regexp.MustCompile(`^ASIA[A-Z2-7]{16}$`)

// checkCredentials looks at the four parts (behaviour 8.6). They were asked for
// after a moment.
func checkCredentials(t *testing.T, c aws.Credentials, asked time.Time, lifetime time.Duration) {
	t.Helper()
	if !sessionKeyForm.MatchString(c.AccessKeyID) || len(c.SecretAccessKey) != 40 || len(c.SessionToken) < 100 || len(c.SessionToken) > 4096 {
		t.Errorf("access key %s, secret of %d, session token of %d characters", c.AccessKeyID, len(c.SecretAccessKey), len(c.SessionToken))
	}
	issued := c.Expires.Add(-lifetime)
	if issued.Before(asked.Truncate(time.Second)) || issued.After(time.Now()) || issued.Nanosecond() != 0 {
		t.Errorf("asked for at %s, for %s, expires at %s", asked, lifetime, c.Expires)
	}
}

// with are clients that sign with temporary credentials.
func (s *site) with(c aws.Credentials) clients {
	return s.host.clients(region, credentials.StaticCredentialsProvider{Value: c}, s.calls)
}

var roleIDForm = regexp.MustCompile(`^AROA[A-Z2-7]{17}$`)

// isSession holds that credentials sign requests to this same server, as a
// session of a role.
func (s *site) isSession(t *testing.T, c aws.Credentials, role, name string) {
	t.Helper()
	me, err := s.with(c).sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Error(err)
		return
	}
	if want := "arn:aws:sts::" + s.account + ":assumed-role/" + role + "/" + name; *me.Arn != want || *me.Account != s.account {
		t.Errorf("the caller is %s of %s, want %s", *me.Arn, *me.Account, want)
	}
	if id, session, _ := strings.Cut(*me.UserId, ":"); !roleIDForm.MatchString(id) || session != name {
		t.Errorf("the caller's user ID is %s", *me.UserId)
	}
}

// assumesByIssuer takes the tokens of an issuer that is registered with IAM to
// the STS.
func (s *site) assumesByIssuer(t *testing.T, assume func(func(*sts.AssumeRoleWithWebIdentityInput)) (*sts.AssumeRoleWithWebIdentityOutput, error)) {
	t.Helper()
	by := func(opts ...logintest.TokenOption) (*sts.AssumeRoleWithWebIdentityOutput, error) {
		return assume(func(in *sts.AssumeRoleWithWebIdentityInput) {
			in.WebIdentityToken = aws.String(s.two.Token("ann", opts...))
		})
	}
	out, err := by(logintest.Claim("https://aws.amazon.com/source_identity", "ann"))
	if err != nil {
		t.Fatal(err)
	}
	if *out.Provider != s.two.arn || *out.SubjectFromWebIdentityToken != "ann" || *out.Audience != logintest.DefaultAudience || *out.SourceIdentity != "ann" {
		t.Errorf("got %s, %s, %s, %s", *out.Provider, *out.SubjectFromWebIdentityToken, *out.Audience, *out.SourceIdentity)
	}
	s.isSession(t, fromSTS(out.Credentials), "people", "app=1,a@b.c")
	_, err = by(logintest.Audience("another"))
	refused[*ststypes.InvalidIdentityTokenException](t, err, "Incorrect token audience")
	_, err = by(logintest.SignedWith(logintest.NewKey(t, "ES256")))
	refused[*ststypes.InvalidIdentityTokenException](t, err, "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
	_, err = by(logintest.Without("sub"))
	refused[*ststypes.InvalidIdentityTokenException](t, err, "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
}

func getCallerIdentity(t *testing.T, s *site) {
	ctx := t.Context()
	for region, want := range map[string]string{
		"us-east-1": "arn:aws:iam::", "cn-north-1": "arn:aws-cn:iam::", "us-gov-west-1": "arn:aws-us-gov:iam::",
	} {
		me, err := s.in(region).sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Fatal(err)
		}
		if *me.Arn != want+s.account+":root" || *me.UserId != s.account || *me.Account != s.account {
			t.Errorf("in %s the root is %s, %s, %s", region, *me.Arn, *me.UserId, *me.Account)
		}
	}
	_, err := s.in("nowhere").sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	unmodelled(t, err, "SignatureDoesNotMatch", "Credential should be scoped to a valid region, not 'nowhere'. ")
}

const notAuthorized = "Not authorized to perform sts:AssumeRoleWithWebIdentity"

// assumeRoleWithWebIdentity is the second half of the classic flow.
func assumeRoleWithWebIdentity(t *testing.T, s *site) {
	ctx := t.Context()
	pool := s.pool(t)
	ann, anna := s.one.login("ann"), s.two.login("anna")
	person, guest := s.id(t, pool, ann), s.id(t, pool, nil)
	token := func(id string, logins map[string]string) string {
		t.Helper()
		out, err := s.cognito.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: logins})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Token
	}
	assume := func(change func(*sts.AssumeRoleWithWebIdentityInput)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
		in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String(s.role("apps/people")), RoleSessionName: aws.String("app=1,a@b.c"),
			WebIdentityToken: aws.String(token(person, ann))}
		change(in)
		return s.sts.AssumeRoleWithWebIdentity(ctx, in)
	}
	for _, test := range []struct {
		id      string
		token   string
		asked   *int32
		seconds int
	}{
		{person, token(person, ann), nil, 3600},
		{guest, token(guest, nil), aws.Int32(900), 900},
		{person, token(person, ann), aws.Int32(43200), 43200},
	} {
		before := time.Now()
		out, err := assume(func(in *sts.AssumeRoleWithWebIdentityInput) {
			in.WebIdentityToken, in.DurationSeconds = &test.token, test.asked
		})
		if err != nil {
			t.Fatal(err)
		}
		c := fromSTS(out.Credentials)
		checkCredentials(t, c, before, time.Duration(test.seconds)*time.Second)
		s.isSession(t, c, "people", "app=1,a@b.c") // a session's ARN has no path
		if *out.SubjectFromWebIdentityToken != test.id || *out.Audience != pool || *out.Provider != "cognito-identity.amazonaws.com" {
			t.Errorf("the token is of %s for %s by %s", *out.SubjectFromWebIdentityToken, *out.Audience, *out.Provider)
		}
		me, err := s.with(c).sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil || *me.Arn != *out.AssumedRoleUser.Arn || *me.UserId != *out.AssumedRoleUser.AssumedRoleId {
			t.Errorf("assumed %s, %s; the caller is %+v (%v)", *out.AssumedRoleUser.Arn, *out.AssumedRoleUser.AssumedRoleId, me, err)
		}
	}

	whole := token(person, ann)
	dot := strings.LastIndexByte(whole, '.')
	_, err := assume(func(in *sts.AssumeRoleWithWebIdentityInput) { in.WebIdentityToken = aws.String("opaque") })
	refused[*ststypes.InvalidIdentityTokenException](t, err, "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	if s.strict { // in development mode every issuer is taken by its name
		_, err = assume(func(in *sts.AssumeRoleWithWebIdentityInput) { in.WebIdentityToken = aws.String(s.two.Token("ann")) })
		refused[*ststypes.InvalidIdentityTokenException](t, err, "No OpenIDConnect provider found in your account for "+s.two.URL)
	} else {
		s.assumesByIssuer(t, assume)
	}
	another := token(guest, nil)
	_, err = assume(func(in *sts.AssumeRoleWithWebIdentityInput) {
		in.WebIdentityToken = aws.String(whole[:dot] + another[strings.LastIndexByte(another, '.'):])
	})
	refused[*ststypes.InvalidIdentityTokenException](t, err, "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
	for _, arn := range []string{letters(20), "arn:aws:iam::" + s.account + ":user/people", s.role("")} {
		_, err = assume(func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleArn = &arn })
		unmodelled(t, err, "ValidationError", arn+" is invalid")
	}
	// A session policy is checked, and told of.
	_, err = assume(func(in *sts.AssumeRoleWithWebIdentityInput) { in.Policy = aws.String("{}") })
	refused[*ststypes.MalformedPolicyDocumentException](t, err, "Syntax errors in policy.")
	_, err = assume(func(in *sts.AssumeRoleWithWebIdentityInput) {
		in.PolicyArns = []ststypes.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::" + s.account + ":policy/none")}}
	})
	unmodelled(t, err, "ValidationError", "A session policy does not exist.")
	if out, err := assume(func(in *sts.AssumeRoleWithWebIdentityInput) {
		in.Policy = aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`)
	}); err != nil || packedSize(out) < 1 {
		t.Errorf("with a session policy: %+v, %v", out, err)
	}
	_, err = assume(func(in *sts.AssumeRoleWithWebIdentityInput) { in.ProviderId = aws.String("www.amazon.com") })
	refused[*ststypes.InvalidIdentityTokenException](t, err, "No OpenIDConnect provider found in your account for www.amazon.com")
	_, err = assume(func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleSessionName = aws.String("Session1:2") })
	invalid(t, err, `Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	for seconds, text := range map[int32]string{
		899:   "Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
		43201: "Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200",
	} {
		_, err = assume(func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = &seconds })
		invalid(t, err, text)
	}
	_, err = assume(func(in *sts.AssumeRoleWithWebIdentityInput) { in.WebIdentityToken = aws.String("abc") }) // never echoed
	invalid(t, err, "Value at 'webIdentityToken' failed to satisfy constraint: Member must have length greater than or equal to 4")

	// A token outlives what it was made for. Then it is good for nothing.
	held := func(t string) error {
		_, err := assume(func(in *sts.AssumeRoleWithWebIdentityInput) { in.WebIdentityToken = &t })
		return err
	}
	merged := s.id(t, pool, anna)
	mergedToken := token(merged, anna)
	if err := held(mergedToken); err != nil {
		t.Error(err)
	}
	s.id(t, pool, both(ann, anna))
	unmodelled(t, held(mergedToken), "AccessDenied", notAuthorized)
	guestToken := token(guest, nil)
	if _, err := s.cognito.DeleteIdentities(ctx, &ci.DeleteIdentitiesInput{IdentityIdsToDelete: []string{guest}}); err != nil {
		t.Fatal(err)
	}
	unmodelled(t, held(guestToken), "AccessDenied", notAuthorized)
	if err := held(whole); err != nil {
		t.Error(err)
	}
	other := s.pool(t)
	otherToken := token(s.id(t, other, ann), ann)
	if _, err := s.cognito.DeleteIdentityPool(ctx, &ci.DeleteIdentityPoolInput{IdentityPoolId: &other}); err != nil {
		t.Fatal(err)
	}
	unmodelled(t, held(otherToken), "AccessDenied", notAuthorized)
}

// session is somebody who logged in, or a guest, at work.
func (s *site) session(t *testing.T, logins map[string]string) clients {
	t.Helper()
	id := s.id(t, s.pool(t), logins)
	out, err := s.cognito.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins})
	if err != nil {
		t.Fatal(err)
	}
	return s.with(fromCognito(out.Credentials))
}

// packedSize is the PackedPolicySize of an answer; 0 if there is none. To name
// it is frowned upon since the SDK has a successor, which servers need not know.
func packedSize(answer any) int {
	size := reflect.ValueOf(answer).Elem().FieldByName("PackedPolicySize")
	if size.IsNil() {
		return 0
	}
	return int(size.Elem().Int())
}

func tag(key, value string) ststypes.Tag { return ststypes.Tag{Key: &key, Value: &value} }

func assumeRole(t *testing.T, s *site) {
	assume := func(c clients, change func(*sts.AssumeRoleInput)) (*sts.AssumeRoleOutput, error) {
		in := &sts.AssumeRoleInput{RoleArn: aws.String(s.role("apps/other")), RoleSessionName: aws.String("app")}
		change(in)
		return c.sts.AssumeRole(t.Context(), in)
	}
	_, err := assume(s.clients, func(*sts.AssumeRoleInput) {})
	if s.strict {
		unmodelled(t, err, "AccessDenied", "Roles may not be assumed by root accounts.")
	} else if err != nil {
		t.Error(err)
	}
	ann := s.session(t, s.one.login("ann"))
	before := time.Now()
	plain, err := assume(ann, func(*sts.AssumeRoleInput) {})
	if err != nil {
		t.Fatal(err)
	}
	checkCredentials(t, fromSTS(plain.Credentials), before, time.Hour)
	s.isSession(t, fromSTS(plain.Credentials), "other", "app")
	if want := "arn:aws:sts::" + s.account + ":assumed-role/other/app"; *plain.AssumedRoleUser.Arn != want || packedSize(plain) != 0 || plain.SourceIdentity != nil {
		t.Errorf("assumed %s, packed %d, source identity %v", *plain.AssumedRoleUser.Arn, packedSize(plain), plain.SourceIdentity)
	}
	tagged, err := assume(ann, func(in *sts.AssumeRoleInput) {
		in.Tags, in.TransitiveTagKeys, in.SourceIdentity = []ststypes.Tag{tag("team", "a"), tag("stage", "")}, []string{"team"}, aws.String("ann")
		in.Policy = aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	})
	if err != nil {
		t.Fatal(err)
	}
	if size := packedSize(tagged); size < 1 || size > 100 || aws.ToString(tagged.SourceIdentity) != "ann" {
		t.Errorf("packed %d, source identity %v", size, tagged.SourceIdentity)
	}
	// Transitive tags and the source identity go on along a chain.
	chained := s.with(fromSTS(tagged.Credentials))
	if next, err := assume(chained, func(*sts.AssumeRoleInput) {}); err != nil || aws.ToString(next.SourceIdentity) != "ann" || packedSize(next) < 1 {
		t.Errorf("chained: %+v, %v", next, err)
	}
	for _, test := range []struct {
		as         clients
		change     func(*sts.AssumeRoleInput)
		code, text string
	}{
		{chained, func(in *sts.AssumeRoleInput) { in.Tags = []ststypes.Tag{tag("Team", "b")} }, "InvalidParameterValue",
			"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."},
		{chained, func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("bob") }, "AccessDenied", "The source identity of a session cannot be changed."},
		{ann, func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) }, "ValidationError",
			"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"},
		{ann, func(in *sts.AssumeRoleInput) { in.Tags = []ststypes.Tag{tag("team", "a"), tag("Team", "b")} }, "InvalidParameterValue",
			"Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{ann, func(in *sts.AssumeRoleInput) { in.TransitiveTagKeys = []string{"team"} }, "InvalidParameterValue",
			"The specified transitive tag key must be included in the requested tags."},
		{ann, func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String(letters(20)) }, "ValidationError", letters(20) + " is invalid"},
	} {
		_, err := assume(test.as, test.change)
		unmodelled(t, err, test.code, test.text)
	}
	_, err = assume(ann, func(in *sts.AssumeRoleInput) { in.Policy = aws.String("{") })
	refused[*ststypes.MalformedPolicyDocumentException](t, err, "Syntax errors in policy.")
	_, err = assume(ann, func(in *sts.AssumeRoleInput) {
		in.RoleSessionName, in.DurationSeconds, in.ExternalId = aws.String("a"), aws.Int32(899), aws.String("?")
	})
	invalid(t, err, "Value 'a' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2",
		"Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
		`Value '?' at 'externalId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@:\/-]*`,
		"Value '?' at 'externalId' failed to satisfy constraint: Member must have length greater than or equal to 2")
}

func getSessionToken(t *testing.T, s *site) {
	for _, asked := range []*int32{nil, aws.Int32(900), aws.Int32(129600)} {
		before := time.Now()
		out, err := s.sts.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{DurationSeconds: asked})
		if err != nil {
			t.Fatal(err)
		}
		c := fromSTS(out.Credentials)
		lasts := time.Hour // at most, for root
		if asked != nil {
			lasts = min(lasts, time.Duration(*asked)*time.Second)
		}
		checkCredentials(t, c, before, lasts)
		me, err := s.with(c).sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil || *me.Arn != "arn:aws:iam::"+s.account+":root" {
			t.Errorf("the caller is %+v (%v)", me, err)
		}
		_, err = s.with(c).sts.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
		unmodelled(t, err, "AccessDenied", "Cannot call GetSessionToken with session credentials")
	}
	_, err := s.sts.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(129601)})
	invalid(t, err, "Value '129601' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 129600")
}

func getAccessKeyInfo(t *testing.T, s *site) {
	info := func(id string) (*sts.GetAccessKeyInfoOutput, error) {
		return s.sts.GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: &id})
	}
	known, _ := s.RootKey()
	want := idpooltest.Account
	if s.strict {
		root, err := s.root.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		known, want = root.AccessKeyID, s.account
	}
	if out, err := info(known); err != nil || aws.ToString(out.Account) != want {
		t.Errorf("%s is of %v (%v), want %s", known, out, err, want)
	}
	_, err := info("AKIANOBODYNOBODYNOBO")
	unmodelled(t, err, "ValidationError", "The access key AKIANOBODYNOBODYNOBO is not known.")
	_, err = info("short-")
	invalid(t, err, `Value 'short-' at 'accessKeyId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w]*`,
		"Value 'short-' at 'accessKeyId' failed to satisfy constraint: Member must have length greater than or equal to 16")
}
