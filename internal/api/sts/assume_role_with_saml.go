package sts

import (
	"context"
	"crypto/sha1" // a name, no protection: what NameQualifier is made with
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/policy"
	"idpool/internal/saml"
	"idpool/internal/wire"
)

var assumeRoleWithSAMLShape = wire.Struct{
	wire.Req("RoleArn", arn),
	wire.Req("PrincipalArn", arn),
	wire.Req("SAMLAssertion", wire.Str{Min: 4, Max: 100000, Sensitive: true}),
	wire.Opt("PolicyArns", policyARNs),
	wire.Opt("Policy", sessionPolicy),
	wire.Opt("DurationSeconds", wire.Int{Min: 900, Max: 43200}),
}

type assumeRoleWithSAMLInput struct {
	RoleArn         string
	PrincipalArn    string
	SAMLAssertion   string
	PolicyArns      []policyARN
	Policy          string
	DurationSeconds int
}

type assumeRoleWithSAMLOutput struct {
	Issuer           string
	AssumedRoleUser  assumedRoleUser
	Credentials      credentials
	Audience         string
	SubjectType      string
	PackedPolicySize int `xml:",omitempty"`
	NameQualifier    string
	SourceIdentity   string `xml:",omitempty"`
	Subject          string
}

// assumeRoleWithSAML makes a role's session for somebody with a response of a
// SAML provider that is registered with IAM in the role's account. An assertion
// is good once: it is used up when everything else is settled, so that a refusal
// costs nobody theirs.
func (s *Service) assumeRoleWithSAML(ctx context.Context, in assumeRoleWithSAMLInput) (assumeRoleWithSAMLOutput, error) {
	role, ok := idpool.ParseRoleARN(in.RoleArn)
	if !ok {
		return assumeRoleWithSAMLOutput{}, idpool.Errorf(idpool.Invalid, "%s is invalid", in.RoleArn)
	}
	ev := wire.EventFrom(ctx)
	ev.Role, ev.Providers = in.RoleArn, []string{in.PrincipalArn}
	provider, a, err := s.samlAssertion(ctx, in) // 1. who
	if err != nil {
		return assumeRoleWithSAMLOutput{}, err
	}
	wish, err := samlWish(role, in.PrincipalArn, provider, a)
	if err != nil {
		return assumeRoleWithSAMLOutput{}, err
	}
	if wish.Duration, err = samlDuration(a, in.DurationSeconds, s.Now()); err != nil {
		return assumeRoleWithSAMLOutput{}, err
	}
	wish.SourceIP, wish.Secure = ev.Client().String(), ev.Secure
	wish.Policies, wish.PolicyARNs = sessionPolicies(in.Policy, in.PolicyArns)
	session, minted, err := s.Broker.Assume(ctx, wish) // 2. may they
	if err == nil {
		err = s.useOnce(ctx, provider, a) // 3. for the first time
	}
	if err != nil {
		return assumeRoleWithSAMLOutput{}, err
	}
	return assumeRoleWithSAMLOutput{
		Issuer:           a.Issuer,
		AssumedRoleUser:  assumedRoleUser{Arn: session.ARN(), AssumedRoleID: session.UserID()},
		Credentials:      shown(minted),
		Audience:         a.Recipient,
		SubjectType:      subjectType(a),
		PackedPolicySize: wish.PackedSize(),
		NameQualifier:    nameQualifier(provider, a),
		SourceIdentity:   wish.SourceIdentity,
		Subject:          a.Subject.Value,
	}, nil
}

// samlAssertion verifies the response.
func (s *Service) samlAssertion(ctx context.Context, in assumeRoleWithSAMLInput) (provider idpool.SAMLProvider, a saml.Assertion, err error) {
	account, _, _, ok := idpool.ParseEntityARN(in.PrincipalArn, "saml-provider")
	if !ok {
		return provider, a, idpool.Errorf(idpool.Invalid, "%s is invalid", in.PrincipalArn)
	}
	err = s.Store.View(ctx, func(r idpool.Reader) (err error) {
		provider, err = idpool.SAMLProviderByARN(ctx, r, account, in.PrincipalArn)
		return err
	})
	if idpool.IsNotFound(err) {
		err = idpool.Errorf(idpool.InvalidToken, "Specified provider doesn't exist").Because(err)
	}
	if err != nil {
		return provider, a, err
	}
	a, err = s.Responses.Verify(provider.Metadata, in.SAMLAssertion)
	if why, bad := errors.AsType[*saml.Refusal](err); bad {
		err = refusedResponse(why, wire.EventFrom(ctx).RequestID)
	}
	return provider, a, err
}

// refusedResponse words the refusal of a response as the STS does (behaviour
// 8.2). Two of its texts come from a service behind it, and say so.
func refusedResponse(why *saml.Refusal, request string) error {
	behind := func(text string) string {
		return fmt.Sprintf("%s (Service: AWSOpenIdDiscoveryService; Status Code: 400; Error Code: AuthSamlInvalidSamlResponseException; Request ID: %s; Proxy: null)", text, request)
	}
	kind, text := idpool.InvalidToken, ""
	switch why.Check {
	case "expiry":
		kind, text = idpool.ExpiredToken, "Token must be redeemed within 5 minutes of issuance"
	case "signature":
		text = "Response signature invalid"
	case "audience", "recipient":
		text = "Response does not contain the required audience"
	case "issuer":
		text = behind("Issuer not present in specified provider")
	default:
		text = behind("Invalid base64 SAMLResponse")
	}
	return idpool.Errorf(kind, "%s", text).Because(why)
}

// samlWish is the wish of somebody whom an assertion describes.
func samlWish(role idpool.RoleARN, arn string, provider idpool.SAMLProvider, a saml.Assertion) (credential.Assumption, error) {
	wish := credential.Assumption{
		Role: role.String(), Action: "sts:AssumeRoleWithSAML", Principal: policy.Principal{Federated: arn}, Provider: arn,
		Keys: samlKeys(provider, a), Lasting: []string{"saml:namequalifier", "saml:sub", "saml:sub_type"}, Tags: map[string]string{},
	}
	forbidden := idpool.Errorf(idpool.AccessDenied, "Not authorized to perform sts:AssumeRoleWithSAML")
	roles := a.Roles(arn)
	switch {
	case role.Account != provider.Account:
		return wish, forbidden.Because(fmt.Errorf("the provider is in account %s, and the role in %s", provider.Account, role.Account))
	case !slices.Contains(roles, role.String()):
		return wish, forbidden.Because(fmt.Errorf("the role is not among the %d that the assertion offers with %s", len(roles), arn))
	}
	name, err := a.SessionName()
	if err != nil {
		return wish, idpool.Errorf(idpool.InvalidToken, "%s", err.Error())
	}
	wish.Name = name
	if identities, has := a.Attributes[saml.SourceIdentityAttribute]; has {
		if len(identities) != 1 || !isSourceIdentity(identities[0]) {
			return wish, badSourceIdentity()
		}
		wish.SourceIdentity = identities[0]
	}
	for _, attribute := range slices.Sorted(maps.Keys(a.Attributes)) {
		key, isTag := strings.CutPrefix(attribute, saml.TagAttributePrefix)
		if !isTag {
			continue
		}
		values := a.Attributes[attribute]
		if len(values) != 1 {
			return wish, idpool.Errorf(idpool.InvalidToken, "The attribute %.256s must have one value", attribute)
		}
		wish.Tags[key] = values[0]
	}
	wish.TransitiveTags = a.Attributes[saml.TransitiveTagsAttribute]
	for _, key := range wish.TransitiveTags {
		if _, set := wish.Tags[key]; !set {
			return wish, idpool.Errorf(idpool.Malformed, "The specified transitive tag key must be included in the requested tags.")
		}
	}
	return wish, nil
}

// samlKeys are the condition keys of an assertion (behaviour 8.4): what it says
// itself, and its attributes.
func samlKeys(provider idpool.SAMLProvider, a saml.Assertion) map[string][]string {
	keys := map[string][]string{
		"saml:aud":           {a.Recipient},
		"saml:iss":           {a.Issuer},
		"saml:sub":           {a.Subject.Value},
		"saml:sub_type":      {subjectType(a)},
		"saml:namequalifier": {nameQualifier(provider, a)},
		"saml:doc":           {provider.Account + "/" + provider.Name},
	}
	for _, name := range slices.Sorted(maps.Keys(a.Attributes)) {
		for _, key := range samlAttributes[name] {
			keys[key] = append(keys[key], a.Attributes[name]...)
		}
	}
	return keys
}

// samlAttributes are the names of the attributes that are condition keys (IAM
// User Guide, "Mapping SAML attributes to AWS trust policy context keys").
var samlAttributes = map[string][]string{
	// eduPerson and eduOrg
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.1":  {"saml:edupersonaffiliation"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.2":  {"saml:edupersonnickname"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.3":  {"saml:edupersonorgdn"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.4":  {"saml:edupersonorgunitdn"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.5":  {"saml:edupersonprimaryaffiliation"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.6":  {"saml:edupersonprincipalname"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.7":  {"saml:edupersonentitlement"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.8":  {"saml:edupersonprimaryorgunitdn"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.9":  {"saml:edupersonscopedaffiliation"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.10": {"saml:edupersontargetedid"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.11": {"saml:edupersonassurance"},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.2":  {"saml:eduorghomepageuri"},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.3":  {"saml:eduorgidentityauthnpolicyuri"},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.4":  {"saml:eduorglegalname"},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.5":  {"saml:eduorgsuperioruri"},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.6":  {"saml:eduorgwhitepagesuri"},
	// X.500
	"urn:oid:2.5.4.3":                    {"saml:cn", "saml:commonName"},
	"urn:oid:2.5.4.4":                    {"saml:surname"},
	"urn:oid:2.5.4.41":                   {"saml:name"},
	"urn:oid:2.5.4.42":                   {"saml:givenName"},
	"urn:oid:2.5.4.45":                   {"saml:x500UniqueIdentifier"},
	"urn:oid:0.9.2342.19200300.100.1.1":  {"saml:uid"},
	"urn:oid:0.9.2342.19200300.100.1.3":  {"saml:mail"},
	"urn:oid:0.9.2342.19200300.100.1.45": {"saml:organizationStatus"},
	// Active Directory
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name":              {"saml:name"},
	"http://schemas.xmlsoap.org/claims/CommonName":                            {"saml:commonName"},
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname":         {"saml:givenName"},
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname":           {"saml:surname"},
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress":      {"saml:mail"},
	"http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid": {"saml:primaryGroupSID"},
}

// subjectType is the format of the NameID, short where it is one of SAML 2.0.
func subjectType(a saml.Assertion) string {
	return strings.TrimPrefix(a.Subject.Format, "urn:oasis:names:tc:SAML:2.0:nameid-format:")
}

// nameQualifier tells subjects of two providers apart (STS API Reference,
// AssumeRoleWithSAML).
func nameQualifier(provider idpool.SAMLProvider, a saml.Assertion) string {
	sum := sha1.Sum([]byte(a.Issuer + provider.Account + "/" + provider.Name))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// samlDuration is how long the session lasts: as long as it is wished, and not
// longer than the assertion says, or the session at the provider lasts.
func samlDuration(a saml.Assertion, seconds int, now time.Time) (time.Duration, error) {
	d := duration(seconds, defaultDuration)
	if values, has := a.Attributes[saml.SessionDurationAttribute]; has {
		said, err := strconv.Atoi(strings.Join(values, " "))
		if err != nil || said < 900 || said > 43200 {
			return 0, idpool.Errorf(idpool.InvalidToken, "SessionDuration in AuthnResponse must be between 900 and 43200")
		}
		d = min(d, time.Duration(said)*time.Second)
	}
	if end := a.SessionNotOnOrAfter; !end.IsZero() {
		d = min(d, end.Sub(now).Truncate(time.Second))
	}
	return d, nil
}

// useOnce refuses an assertion that made a session before. It is remembered as
// long as it would be taken, which is a few minutes.
func (s *Service) useOnce(ctx context.Context, provider idpool.SAMLProvider, a saml.Assertion) error {
	id, now := sha256.Sum256([]byte(provider.ARN()+"\x00"+a.ID)), s.Now()
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		return w.UseOnce(ctx, "saml "+hex.EncodeToString(id[:]), now, a.Until)
	})
	if idpool.KindOf(err) == idpool.Exists {
		return idpool.Errorf(idpool.InvalidToken, "The SAML assertion was used before.").Because(err)
	}
	return err
}
