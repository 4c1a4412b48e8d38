package samltest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// Form is how a signature is made.
type Form struct {
	Hash, Digest     crypto.Hash
	SignatureMethod  string // what it says that it was signed with
	DigestMethod     string
	Canonicalization string // of SignedInfo, as it says
	Transforms       string // inside of Transforms
	URI              string
	KeyInfo          string // behind the value
	// Change changes SignedInfo before it is signed.
	Change func(signedInfo string) string
}

var digests = map[crypto.Hash]string{
	crypto.SHA1: "http://www.w3.org/2000/09/xmldsig#sha1", crypto.SHA256: "http://www.w3.org/2001/04/xmlenc#sha256",
	crypto.SHA384: "http://www.w3.org/2001/04/xmldsig-more#sha384", crypto.SHA512: "http://www.w3.org/2001/04/xmlenc#sha512",
}

// exclusive is Exclusive XML Canonicalization 1.0.
const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"

// method is the name of a signature algorithm.
func (p *Provider) method(h crypto.Hash) string {
	kind := "rsa"
	if _, ok := p.Key.(*ecdsa.PrivateKey); ok {
		kind = "ecdsa"
	}
	if h == crypto.SHA1 && kind == "rsa" {
		return dsig.RSASHA1SignatureMethod
	}
	return "http://www.w3.org/2001/04/xmldsig-more#" + kind + "-sha" + fmt.Sprint(h.Size()*8)
}

// Sign signs the first element of that name in a document: Assertion or
// Response, with the prefix that it has there. The signature comes after its
// Issuer. change makes it another one than an honest provider's.
func (p *Provider) Sign(text, tag string, change ...func(*Form)) string {
	tree := etree.NewDocument()
	must(tree.ReadFromString(text))
	element := find(tree.Root(), tag)
	if element == nil {
		panic("samltest: there is no " + tag)
	}
	id := element.SelectAttrValue("ID", "")
	f := Form{
		Hash: crypto.SHA256, Digest: crypto.SHA256, Canonicalization: exclusive, URI: "#" + id,
		Transforms: `<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform><ds:Transform Algorithm="` + exclusive + `"></ds:Transform>`,
	}
	for _, c := range change {
		c(&f)
	}
	canonical, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(alone(element))
	must(err)
	info := `<ds:SignedInfo xmlns:ds="` + dsig.Namespace + `"><ds:CanonicalizationMethod Algorithm="` + f.Canonicalization + `"></ds:CanonicalizationMethod>` +
		`<ds:SignatureMethod Algorithm="` + first(f.SignatureMethod, p.method(f.Hash)) + `"></ds:SignatureMethod>` +
		`<ds:Reference URI="` + f.URI + `"><ds:Transforms>` + f.Transforms + `</ds:Transforms>` +
		`<ds:DigestMethod Algorithm="` + first(f.DigestMethod, digests[f.Digest]) + `"></ds:DigestMethod>` +
		`<ds:DigestValue>` + base64.StdEncoding.EncodeToString(sum(f.Digest, canonical)) + `</ds:DigestValue></ds:Reference></ds:SignedInfo>`
	if f.Change != nil {
		info = f.Change(info)
	}
	signature := `<ds:Signature xmlns:ds="` + dsig.Namespace + `">` + strings.Replace(info, ` xmlns:ds="`+dsig.Namespace+`"`, "", 1) +
		`<ds:SignatureValue>` + base64.StdEncoding.EncodeToString(p.sign(f.Hash, []byte(info))) + `</ds:SignatureValue>` + f.KeyInfo + `</ds:Signature>`
	start := strings.Index(text, `ID="`+id+`"`)
	at := start + strings.Index(text[start:], "</saml:Issuer>") + len("</saml:Issuer>")
	return text[:at] + signature + text[at:]
}

func (p *Provider) sign(h crypto.Hash, text []byte) []byte {
	if private, ok := p.Key.(*ecdsa.PrivateKey); ok { // both numbers at full length (RFC 9231, 2.3.6)
		r, s, err := ecdsa.Sign(rand.Reader, private, sum(h, text))
		must(err)
		size := (private.Params().BitSize + 7) / 8
		out := make([]byte, 2*size)
		r.FillBytes(out[:size])
		s.FillBytes(out[size:])
		return out
	}
	out, err := p.Key.Sign(rand.Reader, sum(h, text), h)
	must(err)
	return out
}

func sum(h crypto.Hash, text []byte) []byte {
	hash := h.New()
	hash.Write(text)
	return hash.Sum(nil)
}

// find is the first element of that local name.
func find(e *etree.Element, tag string) *etree.Element {
	if e.Tag == tag {
		return e
	}
	for _, child := range e.ChildElements() {
		if found := find(child, tag); found != nil {
			return found
		}
	}
	return nil
}

// alone is a copy of an element with the namespaces that are declared around it.
func alone(e *etree.Element) *etree.Element {
	out := e.Copy()
	for at := e.Parent(); at != nil; at = at.Parent() {
		for _, a := range at.Attr {
			if (a.Space == "xmlns" || a.Key == "xmlns") && out.SelectAttr(a.FullKey()) == nil {
				out.Attr = append(out.Attr, a)
			}
		}
	}
	return out
}

func first(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func must(err error) {
	if err != nil {
		panic("samltest: " + err.Error())
	}
}
