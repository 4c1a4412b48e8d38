package saml

// Nothing of a metadata document is mapped onto structs: encoding/xml takes the
// last of two values and joins the text around a processing instruction. It is
// read token by token, and only what stands in its place counts.

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Metadata is what counts of a provider's metadata.
type Metadata struct {
	EntityID     string              // the issuer of its assertions, byte for byte
	Certificates []*x509.Certificate // whose keys sign them, at least one; nobody vouches for the certificates but the one who uploaded them
	ValidUntil   time.Time           // zero if the document does not say
}

const (
	metadataSpace  = "urn:oasis:names:tc:SAML:2.0:metadata"
	signatureSpace = "http://www.w3.org/2000/09/xmldsig#"
	protocol       = "urn:oasis:names:tc:SAML:2.0:protocol"
)

// The bounds of a document.
const (
	maxSize         = 10_000_000 // characters
	maxDepth        = 64
	maxElements     = 20_000
	maxAttributes   = 64 // of one element, names of spaces included
	maxEntityID     = 1024
	maxCertificates = 10
	minRSA, maxRSA  = 1024, 8192 // bits
)

// ParseMetadata reads a metadata document: an EntityDescriptor, or an
// EntitiesDescriptor around it, with exactly one IDPSSODescriptor that speaks
// SAML 2.0. The document is UTF-8 without a byte order mark and XML 1.0; a
// document type, an entity or a processing instruction is refused.
//
// Signing keys are the certificates of the KeyDescriptors whose use is signing
// or is not said, one each: further ones would be a chain, which nobody checks.
func ParseMetadata(text string) (Metadata, error) {
	switch {
	case strings.HasPrefix(text, "\ufeff"):
		return Metadata{}, errors.New("a byte order mark")
	case !utf8.ValidString(text):
		return Metadata{}, errors.New("not UTF-8")
	case utf8.RuneCountInString(text) > maxSize:
		return Metadata{}, fmt.Errorf("longer than %d characters", maxSize)
	}
	r := &reader{d: xml.NewDecoder(strings.NewReader(text))}
	if err := r.document(); err != nil {
		return Metadata{}, err
	}
	switch m := r.found; {
	case r.providers != 1:
		return Metadata{}, fmt.Errorf("%d identity providers that speak SAML 2.0, not one", r.providers)
	case len(m.Certificates) == 0:
		return Metadata{}, errors.New("no certificate for signing")
	default:
		return m, nil
	}
}

// reader reads a document. What it found counts once all of it was read.
type reader struct {
	d               *xml.Decoder
	depth, elements int
	providers       int
	found           Metadata
}

// token reads the next token, without comments. What could change the meaning of
// what follows is an error.
func (r *reader) token() (xml.Token, error) {
	for {
		at := r.d.InputOffset()
		t, err := r.d.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.Comment:
			continue
		case xml.Directive:
			return nil, errors.New("a document type")
		case xml.ProcInst: // the decoder takes XML 1.0 and UTF-8 only
			if t.Target != "xml" || at != 0 {
				return nil, errors.New("a processing instruction")
			}
			continue
		}
		return t, nil
	}
}

// document reads the one root, with nothing but white space around it.
func (r *reader) document() error {
	for roots := 0; ; {
		t, err := r.token()
		switch {
		case err == io.EOF && roots == 1:
			return nil
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
		switch t := t.(type) {
		case xml.CharData:
			if strings.TrimLeft(string(t), " \t\r\n") != "" {
				return errors.New("text outside of the root element")
			}
		case xml.StartElement:
			if roots++; roots > 1 {
				return errors.New("two root elements")
			}
			if is(t, "EntitiesDescriptor") {
				err = r.entities(t, time.Time{})
			} else if is(t, "EntityDescriptor") {
				err = r.entity(t, time.Time{})
			} else {
				err = fmt.Errorf("the root element is %.64q", t.Name.Local)
			}
			if err != nil {
				return err
			}
		}
	}
}

// children calls visit for each element inside of the one that was just opened,
// until that ends. visit reads its element to the end. The text between them is
// dropped.
func (r *reader) children(visit func(xml.StartElement) error) error {
	if r.depth++; r.depth > maxDepth {
		return fmt.Errorf("nested deeper than %d", maxDepth)
	}
	for {
		t, err := r.token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			r.depth--
			return nil
		case xml.StartElement:
			if r.elements++; r.elements > maxElements {
				return fmt.Errorf("more than %d elements", maxElements)
			}
			if len(t.Attr) > maxAttributes {
				return fmt.Errorf("%.64q has more than %d attributes", t.Name.Local, maxAttributes)
			}
			if err := visit(t); err != nil {
				return err
			}
		}
	}
}

// skip reads an element that does not count to its end.
func (r *reader) skip(xml.StartElement) error { return r.children(r.skip) }

// text reads an element of text to its end.
func (r *reader) text() (string, error) {
	var b strings.Builder
	for {
		t, err := r.token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.CharData:
			b.Write(t)
		case xml.EndElement:
			return b.String(), nil
		default:
			return "", errors.New("an element inside of text")
		}
	}
}

func (r *reader) entities(e xml.StartElement, until time.Time) error {
	until, err := validUntil(e, until)
	if err != nil {
		return err
	}
	return r.children(func(e xml.StartElement) error {
		switch {
		case is(e, "EntitiesDescriptor"):
			return r.entities(e, until)
		case is(e, "EntityDescriptor"):
			return r.entity(e, until)
		}
		return r.skip(e)
	})
}

func (r *reader) entity(e xml.StartElement, until time.Time) error {
	until, err := validUntil(e, until)
	if err != nil {
		return err
	}
	id, _, err := attribute(e, "entityID")
	if err != nil {
		return err
	}
	if id == "" || utf8.RuneCountInString(id) > maxEntityID {
		return fmt.Errorf("the entityID %.64q is empty or longer than %d characters", id, maxEntityID)
	}
	return r.children(func(e xml.StartElement) error {
		if is(e, "IDPSSODescriptor") {
			return r.provider(e, id, until)
		}
		return r.skip(e)
	})
}

func (r *reader) provider(e xml.StartElement, id string, until time.Time) error {
	speaks, _, err := attribute(e, "protocolSupportEnumeration")
	if err != nil {
		return err
	}
	if !slices.Contains(strings.Fields(speaks), protocol) {
		return r.skip(e) // such as one of SAML 1.1
	}
	if until, err = validUntil(e, until); err != nil {
		return err
	}
	r.providers++
	r.found = Metadata{EntityID: id, ValidUntil: until}
	return r.children(func(e xml.StartElement) error {
		if is(e, "KeyDescriptor") {
			return r.key(e)
		}
		return r.skip(e)
	})
}

// key reads a KeyDescriptor.
func (r *reader) key(e xml.StartElement) error {
	use, said, err := attribute(e, "use")
	switch {
	case err != nil:
		return err
	case said && use == "encryption":
		return r.skip(e)
	case said && use != "signing":
		return fmt.Errorf("a key for the use %.64q", use)
	}
	certificates := 0
	err = r.children(r.into(signatureSpace, "KeyInfo", r.into(signatureSpace, "X509Data", func(e xml.StartElement) error {
		if e.Name != (xml.Name{Space: signatureSpace, Local: "X509Certificate"}) {
			return r.skip(e)
		}
		certificates++
		return r.certificate()
	})))
	if err == nil && certificates != 1 {
		err = fmt.Errorf("a key with %d certificates, not one", certificates)
	}
	return err
}

// into visits the children of elements of that name and passes over others.
func (r *reader) into(space, name string, visit func(xml.StartElement) error) func(xml.StartElement) error {
	return func(e xml.StartElement) error {
		if e.Name == (xml.Name{Space: space, Local: name}) {
			return r.children(visit)
		}
		return r.skip(e)
	}
}

// certificate reads an X509Certificate.
func (r *reader) certificate() error {
	text, err := r.text()
	if err != nil {
		return err
	}
	der, err := base64.StdEncoding.Strict().DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
			return fmt.Errorf("an RSA key of %d bits", bits)
		}
	case *ecdsa.PublicKey:
	default:
		return fmt.Errorf("a key of type %T", key)
	}
	if r.found.Certificates = append(r.found.Certificates, c); len(r.found.Certificates) > maxCertificates {
		return fmt.Errorf("more than %d certificates", maxCertificates)
	}
	return nil
}

func is(e xml.StartElement, name string) bool {
	return e.Name == xml.Name{Space: metadataSpace, Local: name}
}

// attribute is the value of an attribute, and whether the element has it.
func attribute(e xml.StartElement, name string) (value string, said bool, err error) {
	for _, a := range e.Attr {
		if a.Name != (xml.Name{Local: name}) {
			continue
		}
		if said {
			return "", false, fmt.Errorf("attribute %s twice", name)
		}
		value, said = a.Value, true
	}
	return value, said, nil
}

// validUntil is the end of an element's validity, which is not later than that
// of the element around it.
func validUntil(e xml.StartElement, outer time.Time) (time.Time, error) {
	text, said, err := attribute(e, "validUntil")
	if err != nil || !said {
		return outer, err
	}
	until, err := moment(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("validUntil: %w", err)
	}
	if !outer.IsZero() && outer.Before(until) {
		return outer, nil
	}
	return until, nil
}

// moment reads a time. One without a time zone is in UTC, as all should be
// (SAML V2.0 Core, 1.3.3).
func moment(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05", text)
	}
	return t.UTC(), err
}
