// Package samltest is an identity provider for tests. It writes responses as
// text and signs whatever it is told to, also what no honest provider would.
package samltest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // what old providers sign with
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"
)

// Provider is an identity provider with one key.
type Provider struct {
	EntityID    string
	Key         crypto.Signer
	Certificate *x509.Certificate
}

// New makes a provider with a key of its own: ECDSA on P-256.
func New(entityID string) *Provider {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("samltest: " + err.Error())
	}
	return WithKey(entityID, key)
}

// rsaKey takes long to make, so that it is made once.
var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// NewRSA makes a provider with the RSA key that all those have.
func NewRSA(entityID string) *Provider {
	key, err := rsaKey()
	if err != nil {
		panic("samltest: " + err.Error())
	}
	return WithKey(entityID, key)
}

// WithKey makes a provider with a key. Its certificate ended long ago, which
// must not matter.
func WithKey(entityID string, key crypto.Signer) *Provider {
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err == nil {
		form, err = x509.ParseCertificate(der)
	}
	if err != nil {
		panic("samltest: " + err.Error())
	}
	return &Provider{EntityID: entityID, Key: key, Certificate: form}
}

// Metadata describes the provider, with the keys of others beside its own. It
// is as long as IAM wants it.
func (p *Provider) Metadata(others ...*Provider) string {
	var keys strings.Builder
	for _, one := range append(others, p) {
		fmt.Fprintf(&keys, `<KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>`,
			base64.StdEncoding.EncodeToString(one.Certificate.Raw))
	}
	text := fmt.Sprintf(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="%s"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">%s</IDPSSODescriptor></EntityDescriptor>`,
		p.EntityID, keys.String())
	return text + strings.Repeat(" ", max(0, 1000-len(text)))
}

// Wish is what a response is to say. What is empty is what an honest one says.
type Wish struct {
	Subject             string // ann
	Format              string // persistent
	At                  time.Time
	Audience, Recipient string // of AWS
	ID                  string // of the assertion: drawn
	SessionEnd          time.Time
	// Attributes are attributes in order: the name, and its values.
	Attributes [][]string
}

// Response writes a response, unsigned.
func (p *Provider) Response(w Wish) string {
	stamp := func(d time.Duration) string { return w.At.Add(d).UTC().Format(time.RFC3339) }
	var attributes strings.Builder
	for _, a := range w.Attributes {
		fmt.Fprintf(&attributes, `<saml:Attribute Name="%s">`, a[0])
		for _, value := range a[1:] {
			fmt.Fprintf(&attributes, `<saml:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">%s</saml:AttributeValue>`, value)
		}
		attributes.WriteString(`</saml:Attribute>`)
	}
	session := ""
	if !w.SessionEnd.IsZero() {
		session = ` SessionNotOnOrAfter="` + w.SessionEnd.UTC().Format(time.RFC3339) + `"`
	}
	return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response" Version="2.0" IssueInstant="` + stamp(0) + `">` +
		`<saml:Issuer>` + p.EntityID + `</saml:Issuer>` +
		`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>` +
		`<saml:Assertion ID="` + first(w.ID, "_"+rand.Text()) + `" Version="2.0" IssueInstant="` + stamp(0) + `">` +
		`<saml:Issuer>` + p.EntityID + `</saml:Issuer>` +
		`<saml:Subject><saml:NameID Format="` + first(w.Format, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent") + `">` + first(w.Subject, "ann") + `</saml:NameID>` +
		`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="` + stamp(5*time.Minute) + `" Recipient="` + first(w.Recipient, "https://signin.aws.amazon.com/saml") + `"/></saml:SubjectConfirmation></saml:Subject>` +
		`<saml:Conditions NotBefore="` + stamp(-time.Minute) + `" NotOnOrAfter="` + stamp(5*time.Minute) + `"><saml:AudienceRestriction><saml:Audience>` + first(w.Audience, "urn:amazon:webservices") + `</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
		`<saml:AuthnStatement AuthnInstant="` + stamp(0) + `" SessionIndex="_session"` + session + `><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
		`<saml:AttributeStatement>` + attributes.String() + `</saml:AttributeStatement>` +
		`</saml:Assertion></samlp:Response>`
}

// Signed is a response whose assertion is signed, as a browser posts it.
func (p *Provider) Signed(w Wish) string { return Post(p.Sign(p.Response(w), "Assertion")) }

// Post is a document as a browser posts it.
func Post(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
