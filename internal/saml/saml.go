// Package saml knows SAML 2.0 from the side that believes it: who an identity
// provider is (SAML V2.0 Metadata), and what a response of it says (SAML V2.0
// Core; Profiles, 4.1).
//
//	response ─► bytes ─► one tree, strict ─► status, whose ─► signature ─► the signed element, alone
//	         ─► version, issuer, conditions, recipient, times ─► Assertion
//
// A response is parsed once. What no honest provider writes is refused before
// any signature is looked at; then the signature is verified, and everything is
// read from the bytes that it covers, never from the document again.
package saml

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
)

// Config says whom assertions may be for. Only Now must be set.
type Config struct {
	Now func() time.Time
	// Audiences and Recipients are accepted beside those of AWS.
	Audiences, Recipients []string
}

// Verifier verifies responses. It is safe for concurrent use.
type Verifier struct {
	config   Config
	metadata *otter.Cache[[sha256.Size]byte, Metadata] // by the hash of the document
}

// New makes a verifier.
func New(c Config) *Verifier {
	c.Audiences = slices.Concat(awsAudiences, c.Audiences)
	return &Verifier{config: c, metadata: otter.Must(&otter.Options[[sha256.Size]byte, Metadata]{MaximumSize: 1000})}
}

// For whom the assertions for AWS are (behaviour 8.4).
var (
	awsAudiences = []string{"urn:amazon:webservices", "https://signin.aws.amazon.com/saml"}
	awsRecipient = regexp.MustCompile(`^https://([a-z]{2,4}(-[a-z]{1,16}){1,3}-[0-9]{1,2}\.)?signin\.aws\.amazon\.com/(static/)?saml$`)
)

// The bounds of time.
const (
	skew = time.Minute // how far the provider's clock and ours may differ
	// redeem is how long after its issue an assertion is taken at most, whatever
	// it says itself: the bound of the hosted service.
	redeem = 5 * time.Minute
)

// NameID is the name of somebody (SAML V2.0 Core, 2.2.3).
type NameID struct {
	Value           string // 1 to 256 bytes
	Format          string // a URI; unspecified if the provider does not say (SAML V2.0 Core, 8.3)
	NameQualifier   string
	SPNameQualifier string
}

// Assertion is what a verified response says.
type Assertion struct {
	ID        string // unique at the issuer
	Issuer    string // the entity ID of the metadata
	Subject   NameID
	Audience  string // one that is accepted
	Recipient string // where it was sent

	SessionIndex        string    // empty if the provider does not say
	SessionNotOnOrAfter time.Time // when a session ends that rests on it; zero if the provider does not say

	IssueInstant time.Time
	NotBefore    time.Time // when it begins, by its own account: not before it was issued
	NotOnOrAfter time.Time // when it ends, by its own account
	// Until is when this package takes it for the last time: whoever remembers
	// its ID until then has seen every use of it.
	Until time.Time

	// Attributes are the values of each attribute, by its name, in order. A
	// value that is not plain text is left out.
	Attributes map[string][]string
}

// Refusal says why a response was refused, as data for the operator.
type Refusal struct {
	// Check is what failed: encoding, XML, encryption, structure, version,
	// status, metadata, issuer, signature, subject, confirmation, recipient,
	// audience, conditions, attributes, expiry or start.
	Check    string
	Expected string
	Got      string
	Cause    error // what a library said, if anything
}

func (r *Refusal) Error() string {
	var b strings.Builder
	b.WriteString(r.Check)
	if r.Expected != "" || r.Got != "" {
		fmt.Fprintf(&b, ": expected %s, got %s", r.Expected, r.Got)
	}
	if r.Cause != nil {
		fmt.Fprintf(&b, ": %v", r.Cause)
	}
	return b.String()
}

func (r *Refusal) Unwrap() error { return r.Cause }

// refuse makes a refusal.
func refuse(check, expected, got string, args ...any) *Refusal {
	return &Refusal{Check: check, Expected: expected, Got: fmt.Sprintf(got, args...)}
}

// quoted shows text from outside: escaped, and not much of it.
func quoted(text string) string { return fmt.Sprintf("%.200q", text) }

// Verify verifies a response, in base64 as a browser posts it, of the provider
// that the metadata document describes. The error is a *Refusal. It holds what
// the response says about itself, but no name of a person and no attribute.
func (v *Verifier) Verify(document, response string) (Assertion, error) {
	a, why := v.verify(document, response)
	if why != nil {
		return Assertion{}, why
	}
	return a, nil
}

func (v *Verifier) verify(document, response string) (Assertion, *Refusal) {
	now := v.config.Now()
	m, why := v.provider(document, now)
	if why != nil {
		return Assertion{}, why
	}
	d, why := read(response) // 1. is it one, in a form that can be read in one way only?
	if why != nil {
		return Assertion{}, why
	}
	// 2. Whose is it? So far only to word a refusal: nothing of it is believed yet.
	if why := d.outside(m); why != nil {
		return Assertion{}, why
	}
	signed, why := d.verified(m.Certificates) // 3. did the provider sign it?
	if why != nil {
		return Assertion{}, why
	}
	return v.assertion(signed, m, now) // 4. is it for us, and now?
}

// provider reads the metadata, or remembers it.
func (v *Verifier) provider(document string, now time.Time) (Metadata, *Refusal) {
	id := sha256.Sum256([]byte(document))
	m, known := v.metadata.GetIfPresent(id)
	if !known {
		var err error
		if m, err = ParseMetadata(document); err != nil {
			return m, &Refusal{Check: "metadata", Cause: err}
		}
		v.metadata.Set(id, m)
	}
	if !m.ValidUntil.IsZero() && !now.Before(m.ValidUntil) {
		return m, refuse("metadata", "valid until after "+shown(now), "%s", shown(m.ValidUntil))
	}
	return m, nil
}

func shown(t time.Time) string { return t.UTC().Format(time.RFC3339) }
