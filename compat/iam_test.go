package compat

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"idpool/internal/login/logintest"
)

// example is a provider that need not answer.
const example = "https://idp.example.com/realms/A"

func (s *site) exampleARN() string {
	return "arn:aws:iam::" + s.account + ":oidc-provider/idp.example.com/realms/A"
}

func providerMissing(arn string) string { return "OpenIDConnect Provider not found for arn " + arn }

// thumbprints makes n of them.
func thumbprints(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("%040d", i))
	}
	return list
}

// clientIDs makes n of them.
func clientIDs(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprint("app", i))
	}
	return list
}

// providerNow is a provider as GetOpenIDConnectProvider shows it.
func (s *site) providerNow(t *testing.T, arn string) *iam.GetOpenIDConnectProviderOutput {
	t.Helper()
	out, err := s.iam.GetOpenIDConnectProvider(t.Context(), &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// makeExample makes the example with two audiences.
func (s *site) makeExample(t *testing.T) string {
	t.Helper()
	out, err := s.iam.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String(example), ClientIDList: []string{"web", "app"}, ThumbprintList: thumbprints(2),
		Tags: []iamtypes.Tag{{Key: aws.String("b"), Value: aws.String("2")}, {Key: aws.String("a"), Value: aws.String("")}}})
	if err != nil {
		t.Fatal(err)
	}
	return *out.OpenIDConnectProviderArn
}

// badProviderARN tries the ARNs that an operation on a provider refuses.
func (s *site) badProviderARN(t *testing.T, call func(arn string) error) {
	t.Helper()
	for _, arn := range []string{s.exampleARN(), strings.Replace(s.two.arn, s.account, "123456789012", 1)} {
		refused[*iamtypes.NoSuchEntityException](t, call(arn), providerMissing(arn))
	}
	s.badForm(t, call)
}

func (s *site) badForm(t *testing.T, call func(arn string) error) {
	t.Helper()
	for _, arn := range []string{s.role("people"), letters(20)} {
		refused[*iamtypes.InvalidInputException](t, call(arn), "Invalid ARN of an OpenIDConnect provider: "+arn)
	}
	invalid(t, call("short"), "Value 'short' at 'openIDConnectProviderArn' failed to satisfy constraint: Member must have length greater than or equal to 20")
}

func createProvider(t *testing.T, s *site) {
	ctx := t.Context()
	create := func(in iam.CreateOpenIDConnectProviderInput) (*iam.CreateOpenIDConnectProviderOutput, error) {
		if in.Url == nil {
			in.Url = aws.String(example)
		}
		return s.iam.CreateOpenIDConnectProvider(ctx, &in)
	}
	refuses := func(in iam.CreateOpenIDConnectProviderInput) error { _, err := create(in); return err }

	for _, bad := range []string{
		"http://idp example.com", "idp.example.com", "ftp://idp.example.com", "https://", "https://me@idp.example.com", "https://idp.example.com/#x", "https://idp.example.com/\\x", "https://%zz",
	} {
		unmodelled(t, refuses(iam.CreateOpenIDConnectProviderInput{Url: &bad}), "ValidationError", "Invalid Open ID Connect Provider URL")
	}
	for _, loose := range []string{"http://plain.example.com", "https://port.example.com:8443"} {
		err := refuses(iam.CreateOpenIDConnectProviderInput{Url: &loose})
		if s.strict {
			unmodelled(t, err, "ValidationError", "Invalid Open ID Connect Provider URL")
		} else if err != nil {
			t.Errorf("%s in development mode: %v", loose, err)
		}
	}
	refused[*iamtypes.InvalidInputException](t, refuses(iam.CreateOpenIDConnectProviderInput{ThumbprintList: thumbprints(6)}), "Thumbprint list must contain fewer than 5 entries.")
	refused[*iamtypes.LimitExceededException](t, refuses(iam.CreateOpenIDConnectProviderInput{ClientIDList: clientIDs(101)}), "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100")
	tag := func(keys ...string) (list []iamtypes.Tag) {
		for _, key := range keys {
			list = append(list, iamtypes.Tag{Key: aws.String(key), Value: aws.String("x")})
		}
		return list
	}
	refused[*iamtypes.InvalidInputException](t, refuses(iam.CreateOpenIDConnectProviderInput{Tags: tag("Stage", "stage")}), "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	refused[*iamtypes.InvalidInputException](t, refuses(iam.CreateOpenIDConnectProviderInput{Tags: tag("aws:x")}), "Tag keys that begin with aws: are reserved.")
	invalid(t, refuses(iam.CreateOpenIDConnectProviderInput{Url: aws.String(""), ClientIDList: []string{letters(256)}, ThumbprintList: []string{"abc"}}),
		"Value '' at 'url' failed to satisfy constraint: Member must have length greater than or equal to 1",
		"Value '["+letters(256)+"]' at 'clientIDList' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 1]",
		"Value '[abc]' at 'thumbprintList' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 40, Member must have length greater than or equal to 40]")
	invalid(t, refuses(iam.CreateOpenIDConnectProviderInput{Tags: tag("")}),
		`Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+`,
		"Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1")

	// Scheme and query are no part of the ARN; thumbprints need not be given.
	out, err := create(iam.CreateOpenIDConnectProviderInput{Url: aws.String(example + "?tenant=1"), ClientIDList: []string{"b", "a", "b"}, Tags: tag("Stage", "a")})
	if err != nil {
		t.Fatal(err)
	}
	if *out.OpenIDConnectProviderArn != s.exampleARN() || len(out.Tags) != 2 {
		t.Errorf("made %s with tags %v", *out.OpenIDConnectProviderArn, out.Tags)
	}
	if got := s.providerNow(t, s.exampleARN()); !slices.Equal(got.ClientIDList, []string{"b", "a"}) || len(got.ThumbprintList) != 0 {
		t.Errorf("audiences %q, thumbprints %q", got.ClientIDList, got.ThumbprintList)
	}
	refused[*iamtypes.EntityAlreadyExistsException](t, refuses(iam.CreateOpenIDConnectProviderInput{}), "Provider with url "+example+" already exists.")
	// Names are told apart by case.
	if _, err := create(iam.CreateOpenIDConnectProviderInput{Url: aws.String(strings.ToLower(example))}); err != nil {
		t.Error(err)
	}
}

func getProvider(t *testing.T, s *site) {
	get := func(s *site, arn string) error {
		_, err := s.iam.GetOpenIDConnectProvider(t.Context(), &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
		return err
	}
	s.badProviderARN(t, func(arn string) error { return get(s, arn) })
	before := time.Now().Truncate(time.Second)
	got := s.providerNow(t, s.makeExample(t))
	if *got.Url != "idp.example.com/realms/A" || !slices.Equal(got.ClientIDList, []string{"web", "app"}) || !slices.Equal(got.ThumbprintList, thumbprints(2)) {
		t.Errorf("got %s, %q, %q", *got.Url, got.ClientIDList, got.ThumbprintList)
	}
	if got.CreateDate.Before(before) || got.CreateDate.After(time.Now()) {
		t.Errorf("made at %s, asked for at %s", got.CreateDate, before)
	}
	tags := map[string]string{}
	for _, tag := range got.Tags {
		tags[*tag.Key] = *tag.Value
	}
	if !maps.Equal(tags, map[string]string{"a": "", "b": "2"}) {
		t.Errorf("tags %v", tags)
	}
	refused[*iamtypes.NoSuchEntityException](t, get(s.host.site(t), s.exampleARN()), providerMissing(s.exampleARN()))
}

func listProviders(t *testing.T, s *site) {
	list := func(c clients) []string {
		t.Helper()
		out, err := c.iam.ListOpenIDConnectProviders(t.Context(), &iam.ListOpenIDConnectProvidersInput{})
		if err != nil {
			t.Fatal(err)
		}
		arns := []string{}
		for _, p := range out.OpenIDConnectProviderList {
			arns = append(arns, *p.Arn)
		}
		return arns
	}
	want := append(list(s.clients), s.makeExample(t))
	if len(want) < 2 || !slices.Contains(want, s.two.arn) {
		t.Errorf("got %q, want %s among them", want, s.two.arn)
	}
	slices.Sort(want)
	for _, region := range []string{region, "eu-west-1"} { // IAM is global
		if got := list(s.in(region)); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("in %s: got %q, want %q", region, got, want)
		}
	}
	_, err := s.in("nowhere").iam.ListOpenIDConnectProviders(t.Context(), &iam.ListOpenIDConnectProvidersInput{})
	unmodelled(t, err, "SignatureDoesNotMatch", "Credential should be scoped to a valid region, not 'nowhere'. ")
}

// admits reports how a pool takes a token of the second issuer for an
// application.
func (s *site) admits(t *testing.T, pool, audience string) error {
	t.Helper()
	_, err := s.cognito.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &pool, Logins: s.two.login("ann", logintest.Audience(audience))})
	return err
}

func addClientID(t *testing.T, s *site) {
	add := func(arn, id string) error {
		_, err := s.iam.AddClientIDToOpenIDConnectProvider(t.Context(), &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn, ClientID: &id})
		return err
	}
	pool := s.pool(t)
	refused[*types.NotAuthorizedException](t, s.admits(t, pool, "new"), notSupported)
	for range 2 { // one that is there is accepted
		if err := add(s.two.arn, "new"); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.providerNow(t, s.two.arn).ClientIDList; !slices.Equal(got, []string{logintest.DefaultAudience, "new"}) {
		t.Errorf("audiences %q", got)
	}
	if err := s.admits(t, pool, "new"); err != nil { // at once
		t.Error(err)
	}
	full, err := s.iam.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: aws.String(example + "/full"), ClientIDList: clientIDs(99)})
	if err != nil {
		t.Fatal(err)
	}
	if err := add(*full.OpenIDConnectProviderArn, "the last"); err != nil {
		t.Fatal(err)
	}
	refused[*iamtypes.LimitExceededException](t, add(*full.OpenIDConnectProviderArn, "more"), "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100")
	invalid(t, add(s.two.arn, ""), "Value '' at 'clientID' failed to satisfy constraint: Member must have length greater than or equal to 1")
	s.badProviderARN(t, func(arn string) error { return add(arn, "new") })
}

func removeClientID(t *testing.T, s *site) {
	remove := func(arn, id string) error {
		_, err := s.iam.RemoveClientIDFromOpenIDConnectProvider(t.Context(), &iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn, ClientID: &id})
		return err
	}
	pool := s.pool(t)
	if err := s.admits(t, pool, logintest.DefaultAudience); err != nil {
		t.Error(err)
	}
	for range 2 { // one that is not there is accepted
		if err := remove(s.two.arn, logintest.DefaultAudience); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.providerNow(t, s.two.arn).ClientIDList; len(got) != 0 {
		t.Errorf("audiences %q", got)
	}
	refused[*types.NotAuthorizedException](t, s.admits(t, pool, logintest.DefaultAudience), notSupported)
	s.badProviderARN(t, func(arn string) error { return remove(arn, "app") })
}

func updateThumbprint(t *testing.T, s *site) {
	update := func(arn string, list []string) error {
		_, err := s.iam.UpdateOpenIDConnectProviderThumbprint(t.Context(), &iam.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: &arn, ThumbprintList: list})
		return err
	}
	s.badProviderARN(t, func(arn string) error { return update(arn, thumbprints(1)) })
	arn := s.makeExample(t)
	for _, list := range [][]string{thumbprints(5), {"oif8192f189fa2178f-testle.thumbprint.com"}, {}} {
		if err := update(arn, list); err != nil {
			t.Fatal(err)
		}
		if got := s.providerNow(t, arn).ThumbprintList; !slices.Equal(got, list) {
			t.Errorf("thumbprints %q, want %q", got, list)
		}
	}
	refused[*iamtypes.InvalidInputException](t, update(arn, thumbprints(6)), "Thumbprint list must contain fewer than 5 entries.")
}

func deleteProvider(t *testing.T, s *site) {
	del := func(arn string) error {
		_, err := s.iam.DeleteOpenIDConnectProvider(t.Context(), &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
		return err
	}
	pool := s.pool(t)
	if err := s.admits(t, pool, logintest.DefaultAudience); err != nil {
		t.Error(err)
	}
	for range 2 { // one that is not there counts as deleted
		if err := del(s.two.arn); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.iam.GetOpenIDConnectProvider(t.Context(), &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &s.two.arn})
	refused[*iamtypes.NoSuchEntityException](t, err, providerMissing(s.two.arn))
	if s.strict { // in development mode it is then taken by its name
		refused[*types.NotAuthorizedException](t, s.admits(t, pool, logintest.DefaultAudience), notSupported)
	}
	// That of another account is none of ours.
	other := s.host.site(t)
	if err := del(other.two.arn); err != nil {
		t.Error(err)
	}
	other.providerNow(t, other.two.arn)
	s.badForm(t, del)
}
