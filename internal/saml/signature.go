package saml

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// What a signature may be made with: SHA-256 and longer, RSA and ECDSA
// (RFC 9231). Canonicalisation is exclusive and without comments, and the only
// other transform takes the signature out (SAML V2.0 Core, 5.4.3 and 5.4.4).
var (
	signatureMethods = []string{
		dsig.RSASHA256SignatureMethod, dsig.RSASHA384SignatureMethod, dsig.RSASHA512SignatureMethod,
		dsig.ECDSASHA256SignatureMethod, dsig.ECDSASHA384SignatureMethod, dsig.ECDSASHA512SignatureMethod,
	}
	digestMethods = []string{
		"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512",
	}
	exclusive = dsig.CanonicalXML10ExclusiveAlgorithmId.String()
	enveloped = dsig.EnvelopedSignatureAltorithmId.String()
)

// checkSignature holds a Signature to the one form that is accepted: one
// reference, to the element that it stands in.
func checkSignature(s *etree.Element) *Refusal {
	bad := func(expected, got string) *Refusal { return refuse("signature", expected, "%s", got) }
	parts := s.ChildElements()
	if len(parts) == 3 && named(parts[2], dsig.Namespace, "KeyInfo") {
		parts = parts[:2] // whose key it is, we know
	}
	if !named(s, dsig.Namespace, "Signature") || !are(parts, "SignedInfo", "SignatureValue") {
		return bad("SignedInfo, SignatureValue and perhaps KeyInfo", "another form of Signature")
	}
	if _, ok := plainText(parts[1]); !ok {
		return bad("a SignatureValue of text", "elements in it")
	}
	info := parts[0].ChildElements()
	if !are(info, "CanonicalizationMethod", "SignatureMethod", "Reference") {
		return bad("a SignedInfo with one Reference", "another form of it")
	}
	reference := info[2].ChildElements()
	if !are(reference, "Transforms", "DigestMethod", "DigestValue") {
		return bad("a Reference with Transforms and one digest", "another form of it")
	}
	transforms := reference[0].ChildElements()
	if !are(transforms, "Transform", "Transform") {
		return bad("two transforms", "more, or fewer")
	}
	if prefixes := transforms[1].ChildElements(); len(prefixes) > 1 || len(prefixes) == 1 && !named(prefixes[0], exclusive, "InclusiveNamespaces") {
		return bad("InclusiveNamespaces in a transform", "something else")
	}
	id, uri := value(s.Parent(), "ID"), value(info[2], "URI")
	if id == "" || slices.ContainsFunc(info[2].Attr, prefixed) || uri != "#"+id {
		return bad("a Reference to the element that the Signature is in", quoted(uri))
	}
	for _, e := range []struct {
		element *etree.Element
		leaf    bool
		allowed []string
	}{
		{info[0], true, []string{exclusive}},
		{info[1], true, signatureMethods},
		{transforms[0], true, []string{enveloped}},
		{transforms[1], false, []string{exclusive}},
		{reference[1], true, digestMethods},
	} {
		if algorithm := value(e.element, "Algorithm"); !slices.Contains(e.allowed, algorithm) {
			return bad(e.element.Tag+" "+strings.Join(e.allowed, " or "), quoted(algorithm))
		}
		if slices.ContainsFunc(e.element.Attr, prefixed) {
			return bad(e.element.Tag+" alone", "attributes with a prefix")
		}
		if e.leaf && len(e.element.ChildElements()) > 0 {
			return bad(e.element.Tag+" alone", "parameters")
		}
	}
	if _, ok := plainText(reference[2]); !ok {
		return bad("a DigestValue of text", "elements in it")
	}
	return nil
}

// prefixed reports whether an attribute has a prefix: the library does not tell
// one such from one without.
func prefixed(a etree.Attr) bool { return a.Space != "" && a.Space != "xmlns" }

// are reports whether the elements are those of XML Signature that are named, in
// this order.
func are(list []*etree.Element, tags ...string) bool {
	return slices.EqualFunc(list, tags, func(e *etree.Element, tag string) bool { return named(e, dsig.Namespace, tag) })
}

// verified is the assertion out of the bytes that a signature covers. Each
// signature that is there must be good, and one must be there.
func (d *document) verified(keys []*x509.Certificate) (*etree.Element, *Refusal) {
	if d.ofResponse == nil && d.ofAssertion == nil {
		return nil, refuse("signature", "one", "none")
	}
	var assertion *etree.Element
	if d.ofResponse != nil {
		response, why := verifyElement(d.response, keys)
		if why != nil {
			return nil, why
		}
		var ok bool
		if assertion, ok = only(response, assertionSpace, "Assertion"); !ok {
			return nil, refuse("signature", "one signed assertion", "none, or several")
		}
	}
	if d.ofAssertion != nil {
		var why *Refusal
		if assertion, why = verifyElement(d.assertion, keys); why != nil {
			return nil, why
		}
	}
	if !named(assertion, assertionSpace, "Assertion") || value(assertion, "ID") != value(d.assertion, "ID") {
		return nil, refuse("signature", "a signed assertion", "another element")
	}
	return assertion, nil
}

// verifyElement verifies the signature inside of an element with each of the
// keys, and returns the element anew, from the bytes that were verified. What
// the signature says about its key is taken out, so that it cannot matter. How
// long a certificate is valid is not looked at, as at AWS: it holds a key that
// somebody uploaded.
func verifyElement(e *etree.Element, keys []*x509.Certificate) (*etree.Element, *Refusal) {
	e = detached(e)
	s, _ := only(e, dsig.Namespace, "Signature")
	parts := s.ChildElements()
	text, _ := plainText(parts[1])
	method := value(parts[0].ChildElements()[1], "Algorithm")
	if len(parts) == 3 {
		s.RemoveChild(parts[2])
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, &Refusal{Check: "signature", Cause: err}
	}
	var errs []error
	for _, key := range keys {
		signature, err := asLibrary(raw, method, key)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		parts[1].SetText(base64.StdEncoding.EncodeToString(signature))
		validation := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{key}})
		validation.Clock = dsig.NewFakeClockAt(key.NotBefore)
		signed, err := validation.Validate(e)
		if err == nil && signed == nil {
			err = errors.New("it covers nothing")
		}
		if err == nil {
			return signed, nil
		}
		errs = append(errs, err)
	}
	return nil, &Refusal{Check: "signature", Expected: "one by a key of the metadata", Got: "another", Cause: errors.Join(errs...)}
}

// asLibrary is a signature as the library wants it. XML Signature has the two
// numbers of ECDSA one behind the other (RFC 9231, 2.3.6), the library in DER.
func asLibrary(raw []byte, method string, key *x509.Certificate) ([]byte, error) {
	if !strings.Contains(method, "#ecdsa-") {
		return raw, nil
	}
	public, ok := key.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("the key is not one of ECDSA")
	}
	size := (public.Curve.Params().BitSize + 7) / 8
	if len(raw) != 2*size {
		return nil, errors.New("the signature is not as long as the curve wants")
	}
	return asn1.Marshal([]*big.Int{new(big.Int).SetBytes(raw[:size]), new(big.Int).SetBytes(bytes.Clone(raw[size:]))})
}

// detached is a copy of an element that stands alone: the namespaces around it
// are declared on it.
func detached(e *etree.Element) *etree.Element {
	out := e.Copy()
	declared := map[string]bool{}
	for at := e; at != nil; at = at.Parent() {
		for _, a := range at.Attr {
			prefix, declares := declaration(a)
			if !declares || declared[prefix] {
				continue
			}
			declared[prefix] = true
			if at != e {
				out.Attr = append(out.Attr, a)
			}
		}
	}
	return out
}
