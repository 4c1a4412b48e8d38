package saml_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"idpool/internal/saml"
	"idpool/internal/saml/samltest"
)

// attack is a document that must be refused; want is a part of why, if that
// matters.
type attack struct {
	name, text string
	want       string // the check; empty: any
}

// mallory is whom the attacks want to be.
const mallory = "mallory"

// victim is the provider that is attacked, and an honest response of it, signed.
type victim struct {
	*samltest.Provider
	plain, signed string // the assertion is signed
	response      string // the response is signed
}

func newVictim() victim {
	v := victim{Provider: samltest.New(entityID)}
	wish := honest()
	wish.ID = "_assertion"
	v.plain = v.Response(wish)
	v.signed, v.response = v.Sign(v.plain, "Assertion"), v.Sign(v.plain, "Response")
	return v
}

// refusedAll holds that every attack is refused, and says how many there were.
func refusedAll(t *testing.T, family string, p *samltest.Provider, attacks []attack) {
	t.Helper()
	v := verifier(0)
	for _, a := range attacks {
		got, err := v.Verify(p.Metadata(), samltest.Post(a.text))
		if err == nil {
			t.Errorf("%s: %s: accepted as %q", family, a.name, got.Subject.Value)
			continue
		}
		if why := check(t, err); a.want != "" && why != a.want {
			t.Errorf("%s: %s: refused for %s, want %s: %v", family, a.name, why, a.want, err)
		}
		if strings.Contains(err.Error(), mallory) {
			t.Errorf("%s: %s: the refusal names a person: %v", family, a.name, err)
		}
	}
	t.Logf("%s: %d attacks, all refused", family, len(attacks))
}

// part is the text of the first element of that name, with its tags.
func part(text, tag string) string {
	start := strings.Index(text, "<"+tag)
	end := strings.Index(text, "</"+tag+">") + len("</"+tag+">")
	return text[start:end]
}

// without is a text without the first element of that name.
func without(text, tag string) string { return strings.Replace(text, part(text, tag), "", 1) }

// TestWrapping moves what was signed to where it does not count, and puts
// another assertion where it does (threats S-1).
func TestWrapping(t *testing.T) {
	t.Parallel()
	v := newVictim()
	good := part(v.signed, "saml:Assertion")
	signature := part(good, "ds:Signature")
	bare := without(good, "ds:Signature")
	var attacks []attack
	add := func(name, text string) { attacks = append(attacks, attack{name: name, text: text}) }
	// The forged assertion: with an ID of its own, that of the signed one, or none;
	// unsigned, or with the signature of the other.
	for id, forge := range map[string]func(string) string{
		"new ID":   func(s string) string { return strings.Replace(s, `ID="_assertion"`, `ID="_forged"`, 1) },
		"same ID":  func(s string) string { return s },
		"no ID":    func(s string) string { return strings.Replace(s, ` ID="_assertion"`, "", 1) },
		"lower id": func(s string) string { return strings.Replace(s, ` ID="_assertion"`, ` id="_assertion"`, 1) },
		"prefixed ID": func(s string) string {
			return strings.Replace(s, ` ID="_assertion"`, ` xmlns:x="urn:x" x:ID="_assertion" ID="_forged"`, 1)
		},
	} {
		for kind, evil := range map[string]string{
			"unsigned":         forge(strings.Replace(bare, ">ann<", ">"+mallory+"<", 1)),
			"with a signature": forge(strings.Replace(good, ">ann<", ">"+mallory+"<", 1)),
		} {
			name := id + ", " + kind + ": "
			in := func(text string) string { return strings.Replace(v.signed, good, text, 1) }
			inside := func(container, content string) string {
				return "<" + container + ">" + content + "</" + strings.Fields(container)[0] + ">"
			}
			// Beside the signed one.
			add(name+"before it", in(evil+good))
			add(name+"after it", in(good+evil))
			add(name+"in Extensions", strings.Replace(v.signed, "<samlp:Status>", inside("samlp:Extensions", evil)+"<samlp:Status>", 1))
			add(name+"it in Extensions", strings.Replace(in(evil), "<samlp:Status>", inside("samlp:Extensions", good)+"<samlp:Status>", 1))
			add(name+"in StatusDetail", strings.Replace(v.signed, "</samlp:Status>", inside("samlp:StatusDetail", evil)+"</samlp:Status>", 1))
			add(name+"it in StatusDetail", strings.Replace(in(evil), "</samlp:Status>", inside("samlp:StatusDetail", good)+"</samlp:Status>", 1))
			add(name+"in a nested Response", in(inside("samlp:Response", evil)+good))
			add(name+"it in a nested Response", in(evil+inside("samlp:Response", good)))
			add(name+"around the response", strings.Replace(v.signed, "<samlp:Status>", evil+"<samlp:Status>", 1))
			// Inside of each other.
			for _, at := range []struct{ place, container string }{
				{"Advice", "saml:Advice"}, {"Object", `ds:Object xmlns:ds="` + dsig.Namespace + `"`}, {"KeyInfo", `ds:KeyInfo xmlns:ds="` + dsig.Namespace + `"`},
				{"an attribute value", "saml:AttributeValue"}, {"a subject", "saml:Subject"},
			} {
				add(name+"it in "+at.place, in(strings.Replace(evil, "</saml:Assertion>", inside(at.container, good)+"</saml:Assertion>", 1)))
				add(name+"in its "+at.place, in(strings.Replace(good, "</saml:Assertion>", inside(at.container, evil)+"</saml:Assertion>", 1)))
			}
			add(name+"it in the Object of the signature", in(strings.Replace(evil, "</saml:Issuer>", "</saml:Issuer>"+
				strings.Replace(signature, "</ds:Signature>", inside("ds:Object", bare)+"</ds:Signature>", 1), 1)))
			add(name+"it in the KeyInfo of the signature", in(strings.Replace(evil, "</saml:Issuer>", "</saml:Issuer>"+
				strings.Replace(signature, "</ds:Signature>", inside("ds:KeyInfo", bare)+"</ds:Signature>", 1), 1)))
			// The signature beside, over the one that is elsewhere.
			add(name+"the signature in the response", strings.Replace(in(evil), "</saml:Issuer><samlp:Status>", "</saml:Issuer>"+signature+"<samlp:Status>", 1))
			add(name+"the signature at the end", strings.Replace(in(evil), "</samlp:Response>", signature+"</samlp:Response>", 1))
			add(name+"in its place", in(evil))
		}
	}
	// What was signed alone, in another place.
	alone := strings.Replace(v.signed, good, "", 1)
	for _, container := range []string{"samlp:Extensions", "samlp:Response", "saml:Advice"} {
		inside := "<" + container + ">" + good + "</" + container + ">"
		add("the signed one alone in "+container, strings.Replace(alone, "<samlp:Status>", inside+"<samlp:Status>", 1))
		add("the signed one alone in "+container+", at the end", strings.Replace(alone, "</samlp:Response>", inside+"</samlp:Response>", 1))
	}
	add("a second response beside", strings.Replace(v.signed, "<samlp:Status>", "<samlp:Extensions><samlp:Response/></samlp:Extensions><samlp:Status>", 1))
	// The same with the response.
	inner := strings.Replace(v.response, ">ann<", ">"+mallory+"<", 1)
	unsigned := without(inner, "ds:Signature")
	ofResponse := part(v.response, "ds:Signature")
	for id, forge := range map[string]func(string) string{
		"new ID":  func(s string) string { return strings.Replace(s, `ID="_response"`, `ID="_forged"`, 1) },
		"same ID": func(s string) string { return s },
		"no ID":   func(s string) string { return strings.Replace(s, ` ID="_response"`, "", 1) },
	} {
		add(id+": response changed", forge(inner))
		add(id+": response without its signature", forge(unsigned))
		add(id+": the signed response in Object", strings.Replace(forge(unsigned), "</saml:Issuer>", "</saml:Issuer>"+
			strings.Replace(ofResponse, "</ds:Signature>", "<ds:Object>"+without(v.response, "ds:Signature")+"</ds:Object></ds:Signature>", 1), 1))
		add(id+": the signed response at the end", strings.Replace(forge(unsigned), "</samlp:Response>", without(v.response, "ds:Signature")+ofResponse+"</samlp:Response>", 1))
		add(id+": the signed response in Extensions", strings.Replace(forge(unsigned), "<samlp:Status>", "<samlp:Extensions>"+v.response+"</samlp:Extensions><samlp:Status>", 1))
		add(id+": the response in its own assertion", strings.Replace(forge(unsigned), "</saml:Assertion>", "<saml:Advice>"+v.response+"</saml:Advice></saml:Assertion>", 1))
	}
	if len(attacks) < 150 {
		t.Errorf("only %d attacks", len(attacks))
	}
	refusedAll(t, "S-1 wrapping", v.Provider, attacks)
}

// TestHalfSigned signs too little, or says more than one thing (threats S-2).
func TestHalfSigned(t *testing.T) {
	t.Parallel()
	v := newVictim()
	signature := part(v.signed, "ds:Signature")
	info, reference := part(signature, "ds:SignedInfo"), part(signature, "ds:Reference")
	forged := strings.Replace(part(v.plain, "saml:Assertion"), ">ann<", ">"+mallory+"<", 1)
	swap := func(old, new string) string { return strings.Replace(v.signed, old, new, 1) }
	change := func(f func(string) string) string {
		return v.Sign(v.plain, "Assertion", func(form *samltest.Form) { form.Change = f })
	}
	digest := part(signature, "ds:DigestValue")
	other := samltest.New(entityID)
	refusedAll(t, "S-2 half signed", v.Provider, []attack{
		{"nothing signed", v.plain, "signature"},
		{"a signature that is empty", swap(signature, "<ds:Signature xmlns:ds=\""+dsig.Namespace+"\"></ds:Signature>"), "signature"},
		{"no value", swap(part(signature, "ds:SignatureValue"), ""), "signature"},
		{"an empty value", swap(part(signature, "ds:SignatureValue"), "<ds:SignatureValue></ds:SignatureValue>"), "signature"},
		{"two values", swap(part(signature, "ds:SignatureValue"), strings.Repeat(part(signature, "ds:SignatureValue"), 2)), "signature"},
		{"an unsigned assertion in a signed response", strings.Replace(v.response, part(v.response, "saml:Assertion"), forged, 1), "signature"},
		{"only the status is signed", strings.Replace(v.plain, "<samlp:Status>", strings.Replace(signature, "#_assertion", "#_status", 1)+`<samlp:Status ID="_status">`, 1), "signature"},
		{"two references", change(func(s string) string { return strings.Replace(s, reference, reference+reference, 1) }), "signature"},
		{"a second reference in another place", change(func(s string) string {
			return strings.Replace(s, reference, reference+strings.Replace(reference, "#_assertion", "#_response", 1), 1)
		}), "signature"},
		{"a reference to something else first", change(func(s string) string {
			return strings.Replace(s, reference, strings.Replace(reference, "#_assertion", "#_response", 1)+reference, 1)
		}), "signature"},
		{"no reference", change(func(s string) string { return strings.Replace(s, reference, "", 1) }), "signature"},
		{"a reference to everything", v.Sign(v.plain, "Assertion", func(f *samltest.Form) { f.URI = "" }), "signature"},
		{"a reference without the mark", v.Sign(v.plain, "Assertion", func(f *samltest.Form) { f.URI = "x_assertion" }), "signature"},
		{"a reference to the response", v.Sign(v.plain, "Assertion", func(f *samltest.Form) { f.URI = "#_response" }), "signature"},
		{"a reference by XPointer", v.Sign(v.plain, "Assertion", func(f *samltest.Form) { f.URI = "#xpointer(id('_assertion'))" }), "signature"},
		{"two SignedInfos", swap(info, info+info), "signature"},
		{"a SignedInfo in an Object", swap("</ds:Signature>", "<ds:Object>"+info+"</ds:Object></ds:Signature>"), "signature"},
		{"two digests", change(func(s string) string { return strings.Replace(s, digest, digest+digest, 1) }), "signature"},
		{"a digest with an element", swap(digest, strings.Replace(digest, "</", "<x/></", 1)), "signature"},
		{"an empty digest", change(func(s string) string { return strings.Replace(s, digest, "<ds:DigestValue></ds:DigestValue>", 1) }), "signature"},
		{"another digest", swap(digest, "<ds:DigestValue>"+base64.StdEncoding.EncodeToString(make([]byte, 32))+"</ds:DigestValue>"), "signature"},
		{"two signatures", swap(signature, signature+signature), "structure"},
		{"two signatures of the response", strings.Replace(v.response, part(v.response, "ds:Signature"), strings.Repeat(part(v.response, "ds:Signature"), 2), 1), "structure"},
		{"a digest with an element, signed", change(func(s string) string { return strings.Replace(s, "</ds:DigestValue>", "<x></x></ds:DigestValue>", 1) }), "signature"},
		{"a signature of somebody else beside", strings.Replace(other.Sign(v.plain, "Response"), part(v.plain, "saml:Assertion"), part(v.signed, "saml:Assertion"), 1), "signature"},
		{"a signature in the subject", swap("</saml:Subject>", signature+"</saml:Subject>"), "structure"},
		{"one character of the signature", swap("<ds:SignatureValue>", "<ds:SignatureValue>A"), "signature"},
		{"the name changed", swap(">ann<", ">"+mallory+"<"), "signature"},
		{"a role added", swap("</saml:AttributeStatement>", `<saml:Attribute Name="`+saml.RoleAttribute+`"><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`), "signature"},
		{"an attribute of the assertion added", swap(` ID="_assertion"`, ` ID="_assertion" x="1"`), "signature"},
	})
	if _, err := verifier(0).Verify(strings.Replace(v.Metadata(), `use="signing"`, `use="encryption"`, 1), samltest.Post(v.signed)); check(t, err) != "metadata" {
		t.Errorf("metadata without a key for signing: %v", err)
	}
	if _, err := verifier(0).Verify("", samltest.Post(v.signed)); check(t, err) != "metadata" {
		t.Errorf("no metadata: %v", err)
	}
}

// TestTextTricks hides a part of a name from some readers (threats S-3). All of
// it is honestly signed by a provider that lets people choose their names.
func TestTextTricks(t *testing.T) {
	t.Parallel()
	v := newVictim()
	var attacks []attack
	for name, trick := range map[string]string{
		"comment": "ann<!-- -->.evil", "empty comment": "ann<!---->", "marked section": "ann<![CDATA[.evil]]>", "marked section alone": "<![CDATA[ann]]>",
		"processing instruction": "an<?x y?>n", "element": "ann<x/>", "element with text": "an<x>n</x>", "element first": "<saml:NameID>ann</saml:NameID>",
		"entity": "ann&evil;", "nothing": "", "control character": "ann&#x1;", "a zero": "ann&#0;", "a surrogate": "ann&#xD800;",
	} {
		for place, tags := range map[string][2]string{
			"NameID":   {">ann</saml:NameID>", ">" + trick + "</saml:NameID>"},
			"Audience": {">urn:amazon:webservices<", ">" + strings.Replace(trick, "ann", "urn:amazon:webservices", 1) + "<"},
			"Issuer":   {"<saml:Issuer>" + entityID + "</saml:Issuer><saml:Subject>", "<saml:Issuer>" + strings.Replace(trick, "ann", entityID, 1) + "</saml:Issuer><saml:Subject>"},
		} {
			text := strings.Replace(v.plain, tags[0], tags[1], 1)
			if text == v.plain {
				t.Fatalf("%s in %s changed nothing", name, place)
			}
			signed := text // what cannot be read cannot be signed
			if etree.NewDocument().ReadFromString(text) == nil {
				signed = v.Sign(text, "Assertion")
			}
			attacks = append(attacks, attack{name: name + " in " + place, text: signed})
		}
	}
	for _, twice := range []string{"saml:NameID", "saml:Subject", "saml:Conditions", "saml:SubjectConfirmation", "saml:SubjectConfirmationData"} {
		old := part(strings.ReplaceAll(v.plain, `/saml"/>`, `/saml"></saml:SubjectConfirmationData>`), twice)
		text := strings.Replace(strings.ReplaceAll(v.plain, `/saml"/>`, `/saml"></saml:SubjectConfirmationData>`), old, old+old, 1)
		attacks = append(attacks, attack{name: twice + " twice", text: v.Sign(text, "Assertion")})
	}
	refusedAll(t, "S-3 text", v.Provider, attacks)
	for whole, written := range map[string]string{"ann.evil": "ann.evil", "ann&evil": "ann&amp;evil", "a nn": "a&#32;nn", "<ann>": "&lt;ann&gt;", "ann\r": "ann&#13;"} {
		got, err := verifier(0).Verify(v.Metadata(), samltest.Post(v.Sign(strings.Replace(v.plain, ">ann<", ">"+written+"<", 1), "Assertion")))
		if err != nil || got.Subject.Value != whole {
			t.Errorf("%q became %q, %v", written, got.Subject.Value, err)
		}
	}
}

// TestEntities are document types of all sorts (threats S-4). Somebody listens:
// nobody may ask.
func TestEntities(t *testing.T) {
	t.Parallel()
	v := newVictim()
	var asked atomic.Int64
	canary := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer canary.Close()
	canary.Config.ConnState = func(net.Conn, http.ConnState) { asked.Add(1) }
	url := canary.URL
	var attacks []attack
	for i, doctype := range []string{
		`<!DOCTYPE a>`, `<!DOCTYPE a SYSTEM "` + url + `">`, `<!DOCTYPE a PUBLIC "x" "` + url + `">`, `<!DOCTYPE a []>`, `<!DOCTYPE a [<!ENTITY x "y">]>`,
		`<!DOCTYPE a [<!ENTITY x SYSTEM "` + url + `">]>`, `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>`, `<!DOCTYPE a [<!ENTITY % x SYSTEM "` + url + `"> %x;]>`,
		`<!DOCTYPE a [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>`, `<!DOCTYPE a [<!ATTLIST samlp:Response ID CDATA "_x">]>`, `<!DOCTYPE a [<!ELEMENT a ANY>]>`,
		`<!DOCTYPE a [<!NOTATION n SYSTEM "` + url + `">]>`, `<!doctype a>`, `<!ENTITY x "y">`, `<!ELEMENT a ANY>`, `<?xml-stylesheet href="` + url + `"?>`,
		`<?xml-model href="` + url + `"?>`, `<!DOCTYPE` + "\t" + `a>`, `<!DOCTYPE a [<!-- ]> -->]>`, `<![INCLUDE[ ]]>`, `<?php x?>`,
	} {
		attacks = append(attacks, attack{fmt.Sprint("before, ", i), doctype + v.signed, "XML"}, attack{fmt.Sprint("after a declaration, ", i), `<?xml version="1.0"?>` + doctype + v.signed, "XML"},
			attack{fmt.Sprint("inside, ", i), strings.Replace(v.signed, "<samlp:Status>", doctype+"<samlp:Status>", 1), "XML"}, attack{fmt.Sprint("after, ", i), v.signed + doctype, "XML"})
	}
	attacks = append(attacks,
		attack{"an entity of nobody", strings.Replace(v.signed, ">ann<", ">&ann;<", 1), "XML"},
		attack{"XInclude", v.Sign(strings.Replace(v.plain, ">ann<", `><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="`+url+`" parse="text"/><`, 1), "Assertion"), "subject"},
	)
	refusedAll(t, "S-4 entities", v.Provider, attacks)
	if asked.Load() != 0 {
		t.Errorf("%d connections", asked.Load())
	}
}

// TestKeys presents keys of everybody's choice (threats S-5).
func TestKeys(t *testing.T) {
	t.Parallel()
	v, other := newVictim(), samltest.New(entityID)
	otherRSA := samltest.NewRSA(entityID)
	forged := strings.Replace(v.plain, ">ann<", ">"+mallory+"<", 1)
	certificate := func(p *samltest.Provider) string { return base64.StdEncoding.EncodeToString(p.Certificate.Raw) }
	info := func(inside string) func(*samltest.Form) {
		return func(f *samltest.Form) { f.KeyInfo = "<ds:KeyInfo>" + inside + "</ds:KeyInfo>" }
	}
	inX509 := func(p ...*samltest.Provider) string {
		out := ""
		for _, one := range p {
			out += "<ds:X509Certificate>" + certificate(one) + "</ds:X509Certificate>"
		}
		return "<ds:X509Data>" + out + "</ds:X509Data>"
	}
	// HMAC with what everybody knows.
	mac := func(key []byte, method string) string {
		text := v.Sign(forged, "Assertion", func(f *samltest.Form) { f.SignatureMethod = method })
		signed := strings.Replace(part(text, "ds:SignedInfo"), "<ds:SignedInfo>", `<ds:SignedInfo xmlns:ds="`+dsig.Namespace+`">`, 1)
		h := hmac.New(sha256.New, key)
		h.Write([]byte(signed))
		return strings.Replace(text, part(text, "ds:SignatureValue"), "<ds:SignatureValue>"+base64.StdEncoding.EncodeToString(h.Sum(nil))+"</ds:SignatureValue>", 1)
	}
	public, err := x509.MarshalPKIXPublicKey(v.Key.Public())
	if err != nil {
		t.Fatal(err)
	}
	attacks := []attack{
		{"another key", other.Sign(forged, "Assertion"), "signature"},
		{"another key, which it names", other.Sign(forged, "Assertion", info(inX509(other))), "signature"},
		{"another key under the name of the right one", other.Sign(forged, "Assertion", info(inX509(v.Provider))), "signature"},
		{"both, the right one first", other.Sign(forged, "Assertion", info(inX509(v.Provider, other))), "signature"},
		{"both, the right one last", other.Sign(forged, "Assertion", info(inX509(other, v.Provider))), "signature"},
		{"in two lists", other.Sign(forged, "Assertion", info(inX509(v.Provider)+inX509(other))), "signature"},
		{"a key value", otherRSA.Sign(forged, "Assertion", info(`<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>`)), "signature"},
		{"a key that is fetched", other.Sign(forged, "Assertion", info(`<ds:RetrievalMethod URI="http://127.0.0.1:1/key"/>`)), "signature"},
		{"two KeyInfos", other.Sign(forged, "Assertion", func(f *samltest.Form) { f.KeyInfo = strings.Repeat("<ds:KeyInfo>"+inX509(other)+"</ds:KeyInfo>", 2) }), "signature"},
		{"the response, another key", other.Sign(forged, "Response", info(inX509(other))), "signature"},
		{"an RSA key under ECDSA", otherRSA.Sign(forged, "Assertion", func(f *samltest.Form) { f.SignatureMethod = dsig.ECDSASHA256SignatureMethod }), "signature"},
		{"an ECDSA key under RSA", v.Sign(forged, "Assertion", func(f *samltest.Form) { f.SignatureMethod = dsig.RSASHA256SignatureMethod }), "signature"},
	}
	for name, key := range map[string][]byte{"the certificate": v.Certificate.Raw, "the public key": public, "nothing": nil, "the certificate as text": []byte(certificate(v.Provider))} {
		for _, method := range []string{"http://www.w3.org/2000/09/xmldsig#hmac-sha1", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", dsig.ECDSASHA256SignatureMethod} {
			attacks = append(attacks, attack{"HMAC with " + name + " as " + method, mac(key, method), "signature"})
		}
	}
	for name, value := range map[string][]byte{"zeros": make([]byte, 64), "one and one": append(append(make([]byte, 31), 1), append(make([]byte, 31), 1)...), "half": make([]byte, 32), "too long": make([]byte, 66), "empty": {},
		"DER": v.Certificate.Signature, "ones": bytes.Repeat([]byte{255}, 64)} {
		text := v.Sign(forged, "Assertion")
		attacks = append(attacks, attack{"a value of " + name, strings.Replace(text, part(text, "ds:SignatureValue"), "<ds:SignatureValue>"+base64.StdEncoding.EncodeToString(value)+"</ds:SignatureValue>", 1), "signature"})
	}
	refusedAll(t, "S-5 keys", v.Provider, attacks)
}

// TestTransforms are ways to sign something else than what is read (threats S-6).
func TestTransforms(t *testing.T) {
	t.Parallel()
	v := newVictim()
	transform := func(algorithm, inside string) string {
		return `<ds:Transform Algorithm="` + algorithm + `">` + inside + `</ds:Transform>`
	}
	const enveloped, exclusive = "http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#"
	var attacks []attack
	for name, transforms := range map[string]string{
		"none":                       transform("", ""),
		"nothing at all":             "",
		"enveloped only":             transform(enveloped, ""),
		"exclusive only":             transform(exclusive, ""),
		"the other order":            transform(exclusive, "") + transform(enveloped, ""),
		"enveloped twice":            transform(enveloped, "") + transform(enveloped, ""),
		"three":                      transform(enveloped, "") + transform(exclusive, "") + transform(exclusive, ""),
		"with comments":              transform(enveloped, "") + transform(exclusive+"WithComments", ""),
		"C14N 1.0":                   transform(enveloped, "") + transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", ""),
		"C14N 1.1":                   transform(enveloped, "") + transform("http://www.w3.org/2006/12/xml-c14n11", ""),
		"XSLT":                       transform(enveloped, "") + transform("http://www.w3.org/TR/1999/REC-xslt-19991116", `<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform"></xsl:stylesheet>`),
		"XPath":                      transform(enveloped, "") + transform("http://www.w3.org/TR/1999/REC-xpath-19991116", `<ds:XPath>self::text()</ds:XPath>`),
		"XPath filter":               transform("http://www.w3.org/2002/06/xmldsig-filter2", "") + transform(exclusive, ""),
		"base64":                     transform("http://www.w3.org/2000/09/xmldsig#base64", "") + transform(exclusive, ""),
		"unknown":                    transform(enveloped, "") + transform("urn:x", ""),
		"something inside":           transform(enveloped, "") + transform(exclusive, "<x></x>"),
		"something in the first":     transform(enveloped, "<x></x>") + transform(exclusive, ""),
		"two lists of prefixes":      transform(enveloped, "") + transform(exclusive, strings.Repeat(`<ec:InclusiveNamespaces xmlns:ec="`+exclusive+`" PrefixList="a"></ec:InclusiveNamespaces>`, 2)),
		"an algorithm with a prefix": transform(enveloped, "") + `<ds:Transform xmlns:x="urn:x" Algorithm="` + exclusive + `" x:Algorithm="` + exclusive + `"></ds:Transform>`,
	} {
		attacks = append(attacks, attack{name, v.Sign(v.plain, "Assertion", func(f *samltest.Form) { f.Transforms = transforms }), "signature"})
	}
	for _, canonicalization := range []string{"", "urn:x", exclusive + "WithComments", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/TR/1999/REC-xslt-19991116"} {
		attacks = append(attacks, attack{"SignedInfo by " + canonicalization, v.Sign(v.plain, "Assertion", func(f *samltest.Form) { f.Canonicalization = canonicalization }), "signature"})
	}
	// Names that canonicalisation is not defined for, or that two readers take for
	// different ones.
	for name, declaration := range map[string]string{
		"relative": `xmlns:x="1"`, "relative path": `xmlns:x="../x"`, "empty": `xmlns:x=""`, "no default": `xmlns=""`, "xml taken": `xmlns:xml="urn:x"`, "xmlns taken": `xmlns:xmlns="urn:x"`,
		"xml elsewhere": `xmlns:x="http://www.w3.org/XML/1998/namespace"`, "xmlns elsewhere": `xmlns:x="http://www.w3.org/2000/xmlns/"`, "not declared": `x:y="1"`,
		"one attribute twice": `y="1" y="2"`, "one attribute by two prefixes": `xmlns:a="urn:x" xmlns:b="urn:x" a:y="1" b:y="2"`, "two colons": `xmlns:a="urn:x" a:b:c="1"`,
		"colon first": `:y="1"`, "an ID in capitals": `Id="_x" iD="_x"`, "xml:id": `xml:id="_x"`, "an empty ID": `Id=""`,
	} {
		attacks = append(attacks, attack{name, strings.Replace(v.signed, "<samlp:Status>", "<samlp:Status "+declaration+">", 1), "XML"})
	}
	attacks = append(attacks, attack{"a prefix of nobody", strings.Replace(v.signed, "<samlp:Status>", "<x:y/><samlp:Status>", 1), "XML"},
		attack{"an element that is an attribute", strings.Replace(v.signed, "<samlp:Status>", "<xmlns:y/><samlp:Status>", 1), "XML"})
	refusedAll(t, "S-6 transforms", v.Provider, attacks)
}

// TestAlgorithms are hashes that are no longer any good, and none (threats S-7).
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	v := newVictim()
	rsa := samltest.NewRSA(entityID)
	var attacks []attack
	for _, method := range []string{dsig.ECDSASHA1SignatureMethod, dsig.RSASHA1SignatureMethod, "http://www.w3.org/2000/09/xmldsig#dsa-sha1", "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
		"http://www.w3.org/2007/05/xmldsig-more#rsa-pss", "http://www.w3.org/2007/05/xmldsig-more#ecdsa-ripemd160", "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519", "", " ", "urn:x", "none", "#ecdsa-sha256", strings.ToUpper(dsig.ECDSASHA256SignatureMethod)} {
		attacks = append(attacks, attack{"signed by " + method, strings.Replace(v.signed, dsig.ECDSASHA256SignatureMethod, method, 1), "signature"})
	}
	for _, method := range []string{"http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmldsig-more#md5", "http://www.w3.org/2001/04/xmlenc#ripemd160", "", "urn:x", "http://www.w3.org/2001/04/xmldsig-more#sha224"} {
		attacks = append(attacks, attack{"hashed by " + method, strings.Replace(v.signed, "http://www.w3.org/2001/04/xmlenc#sha256", method, 1), "signature"})
	}
	attacks = append(attacks,
		attack{"honest SHA-1", v.Sign(v.plain, "Assertion", func(f *samltest.Form) { f.Hash, f.Digest = crypto.SHA1, crypto.SHA1 }), "signature"},
		attack{"an honest SHA-1 digest", v.Sign(v.plain, "Assertion", func(f *samltest.Form) { f.Digest = crypto.SHA1 }), "signature"},
		attack{"an honest SHA-1 signature", v.Sign(v.plain, "Response", func(f *samltest.Form) { f.Hash = crypto.SHA1 }), "signature"},
		attack{"parameters", v.Sign(v.plain, "Assertion", func(f *samltest.Form) {
			f.Change = func(s string) string {
				return strings.Replace(s, "</ds:SignatureMethod>", "<ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>", 1)
			}
		}), "signature"},
	)
	refusedAll(t, "S-7 algorithms", v.Provider, attacks)
	text := rsa.Sign(rsa.Response(honest()), "Assertion", func(f *samltest.Form) { f.Hash, f.Digest = crypto.SHA1, crypto.SHA1 })
	refusedAll(t, "S-7 RSA", rsa, []attack{{"honest SHA-1 by RSA", text, "signature"}})
}

// TestMeaning breaks one rule of the profile each, honestly signed (threats S-8).
func TestMeaning(t *testing.T) {
	t.Parallel()
	v := newVictim()
	var attacks []attack
	add := func(want, name string, pairs ...string) {
		text := strings.NewReplacer(pairs...).Replace(v.plain)
		if text == v.plain {
			t.Fatalf("%s changed nothing", name)
		}
		for _, signs := range []string{"Assertion", "Response"} {
			if strings.Contains(text, "saml:Assertion") && strings.Contains(text, `ID="_assertion"`) {
				attacks = append(attacks, attack{name + ", " + signs + " signed", v.Sign(text, signs), want})
			}
		}
	}
	const audience, recipient = "<saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction>", "https://signin.aws.amazon.com/saml"
	const confirmed = `NotOnOrAfter="2026-01-02T03:09:05Z" Recipient`
	add("audience", "another audience", ">urn:amazon:webservices<", ">urn:amazon:webservices.evil<")
	add("audience", "an audience in another case", ">urn:amazon:webservices<", ">URN:amazon:webservices<")
	add("audience", "white space around the audience", ">urn:amazon:webservices<", "> urn:amazon:webservices<")
	add("audience", "no audience", "<saml:Audience>urn:amazon:webservices</saml:Audience>", "")
	add("audience", "no restriction", audience, "")
	add("audience", "one restriction of two", audience, audience+strings.Replace(audience, "urn:amazon", "urn:evil", 1))
	add("audience", "the other restriction of two", audience, strings.Replace(audience, "urn:amazon", "urn:evil", 1)+audience)
	add("audience", "an audience in another namespace", "<saml:Audience>urn:amazon:webservices</saml:Audience>", `<x:Audience xmlns:x="urn:x">urn:amazon:webservices</x:Audience>`)
	add("conditions", "an unknown condition", audience, audience+`<saml:Condition/>`)
	add("conditions", "a condition of another namespace", audience, audience+`<x:AudienceRestriction xmlns:x="urn:x"/>`)
	add("conditions", "no conditions", part(v.plain, "saml:Conditions"), "")
	for name, value := range map[string]string{
		"another": "https://app.example.com/saml", "longer": recipient + "/x", "with a query": recipient + "?x", "as part of another": "https://evil.example.com/" + recipient, "plain http": "http://signin.aws.amazon.com/saml",
		"a longer host": "https://signin.aws.amazon.com.evil.example/saml", "another host": "https://x.signin.aws.amazon.com/saml", "a host behind a name": "https://us-east-1@signin.aws.amazon.com/saml", "empty": "", "in another case": "https://SIGNIN.aws.amazon.com/saml",
		"a dot that is none": "https://signinXaws.amazon.com/saml", "with a line": recipient + "&#10;",
	} {
		add("recipient", "recipient "+name, `Recipient="`+recipient+`"`, `Recipient="`+value+`"`)
	}
	add("recipient", "no recipient", ` Recipient="`+recipient+`"`, "")
	add("recipient", "a recipient with a prefix", ` Recipient="`+recipient+`"`, ` saml:Recipient="`+recipient+`"`)
	add("confirmation", "holder of key", "cm:bearer", "cm:holder-of-key")
	add("confirmation", "sender vouches", "cm:bearer", "cm:sender-vouches")
	add("confirmation", "no method", ` Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"`, "")
	add("confirmation", "no confirmation", part(v.plain, "saml:SubjectConfirmation"), "")
	add("conditions", "confirmed for ever", confirmed, "Recipient")
	add("conditions", "confirmed until nobody knows when", confirmed, `NotOnOrAfter="tomorrow" Recipient`)
	add("expiry", "confirmed until the epoch", confirmed, `NotOnOrAfter="1970-01-01T00:00:00Z" Recipient`)
	add("start", "confirmed from tomorrow on", confirmed, `NotBefore="2026-01-03T03:04:05Z" `+confirmed)
	add("conditions", "conditions until nobody knows when", `NotOnOrAfter="2026-01-02T03:09:05Z"><saml:Aud`, `NotOnOrAfter="x"><saml:Aud`)
	add("conditions", "conditions from nobody knows when", `NotBefore="2026-01-02T03:03:05Z"`, `NotBefore="2026-13-02T03:03:05Z"`)
	add("start", "conditions from tomorrow on", `NotBefore="2026-01-02T03:03:05Z"`, `NotBefore="2026-01-03T03:03:05Z"`)
	add("conditions", "issued nobody knows when", `Version="2.0" IssueInstant="2026-01-02T03:04:05Z"><saml:Issuer>`+entityID+`</saml:Issuer><saml:Subject>`, `Version="2.0"><saml:Issuer>`+entityID+`</saml:Issuer><saml:Subject>`)
	add("conditions", "a session until nobody knows when", `SessionIndex="_session"`, `SessionNotOnOrAfter="x"`)
	add("issuer", "another issuer of the assertion", entityID+"</saml:Issuer><saml:Subject>", entityID+"/</saml:Issuer><saml:Subject>")
	add("issuer", "another issuer of the response", entityID+"</saml:Issuer><samlp:Status>", entityID+".evil</saml:Issuer><samlp:Status>")
	add("issuer", "two issuers of the response", "</saml:Issuer><samlp:Status>", "</saml:Issuer><saml:Issuer>x</saml:Issuer><samlp:Status>")
	add("issuer", "white space around the issuer", entityID+"</saml:Issuer><saml:Subject>", entityID+" </saml:Issuer><saml:Subject>")
	for _, code := range []string{"Requester", "Responder", "AuthnFailed", "success", "Success ", ""} {
		add("status", "status "+code, "status:Success", "status:"+code)
	}
	add("status", "no status", part(strings.Replace(v.plain, `Success"/>`, `Success"></samlp:StatusCode>`, 1), "samlp:Status"), "", `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`, "")
	add("status", "two statuses", "</samlp:Status>", "</samlp:Status><samlp:Status/>")
	add("status", "two codes", "</samlp:Status>", "<samlp:StatusCode/></samlp:Status>")
	for _, version := range []string{"1.1", "2.1", "2", "", " 2.0"} {
		add("version", "version "+version+" of the assertion", `"_assertion" Version="2.0"`, `"_assertion" Version="`+version+`"`)
		add("version", "version "+version+" of the response", `"_response" Version="2.0"`, `"_response" Version="`+version+`"`)
	}
	add("subject", "no NameID", part(v.plain, "saml:NameID"), "")
	add("subject", "an empty NameID", ">ann<", "><")
	add("subject", "a long NameID", ">ann<", ">"+strings.Repeat("a", 257)+"<")
	add("subject", "no subject", part(v.plain, "saml:Subject"), "")
	add("structure", "a response of another protocol", "SAML:2.0:protocol", "SAML:1.1:protocol")
	add("structure", "an assertion of SAML 1.1", `xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`, `xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion"`)
	add("attributes", "an attribute without a name", `Name="groups"`, `Nam="groups"`)
	attacks = append(attacks,
		attack{"the assertion alone", part(v.signed, "saml:Assertion"), ""},
		attack{"a response without an assertion", strings.Replace(v.signed, part(v.signed, "saml:Assertion"), "", 1), "structure"},
		attack{"a request", strings.ReplaceAll(v.signed, "samlp:Response", "samlp:AuthnRequest"), "structure"},
		attack{"a response in an envelope", `<e xmlns:x="urn:x">` + v.signed + `</e>`, "structure"},
	)
	refusedAll(t, "S-8 meaning", v.Provider, attacks)
	if _, err := verifier(0).Verify(strings.Replace(v.Metadata(), entityID, entityID+"2", 1), samltest.Post(v.signed)); check(t, err) != "issuer" {
		t.Errorf("another provider with the same key: %v", err)
	}
}

// TestBombs are documents that want memory or time (threats S-10). What lies
// beside a signed assertion and is within the bounds need not be refused.
func TestBombs(t *testing.T) { // alone: it measures memory
	v := newVictim()
	around := func(inside string) string {
		return strings.Replace(v.signed, "<samlp:Status>", inside+"<samlp:Status>", 1)
	}
	repeat := func(n int, f func(int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(f(i))
		}
		return b.String()
	}
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, 9)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(bytes.Repeat([]byte("a"), 5<<20))
	w.Close()
	bombs := []attack{
		{"deep", around(strings.Repeat("<a>", 5000) + strings.Repeat("</a>", 5000)), "XML"},
		{"deep, unclosed", strings.Repeat("<a>", 24000), "XML"},
		{"65 deep", around(strings.Repeat("<a>", 64) + strings.Repeat("</a>", 64)), "XML"},
		{"many elements", around(strings.Repeat("<a/>", 17000)), "XML"},
		{"2,001 elements", around(strings.Repeat("<a/>", 2000)), "XML"},
		{"attributes", around("<a " + repeat(7000, func(i int) string { return fmt.Sprintf("a%d='' ", i) }) + "/>"), "XML"},
		{"one attribute often", around("<a " + strings.Repeat("a='' ", 12000) + "/>"), "XML"},
		{"namespaces", around("<a " + repeat(3500, func(i int) string { return fmt.Sprintf("xmlns:a%d='u:' ", i) }) + "/>"), "XML"},
		{"65 namespaces", around(repeat(33, func(i int) string { return fmt.Sprintf("<a xmlns:a%d='u:' xmlns:b%d='u:'>", i, i) }) + strings.Repeat("</a>", 33)), "XML"},
		{"namespaces, nested", around(repeat(60, func(i int) string { return fmt.Sprintf("<a xmlns:a%d='u:%s'>", i, strings.Repeat("x", 900)) }) + strings.Repeat("</a>", 60)), ""},
		{"a long name", around("<" + strings.Repeat("a", 70000) + "/>"), ""},
		{"a long text", around("<a>" + strings.Repeat("a", 70000) + "</a>"), ""},
		{"a long value", around("<a b='" + strings.Repeat("a", 70000) + "'/>"), ""},
		{"references to characters", around("<a>" + strings.Repeat("&#65;", 14000) + "</a>"), ""},
		{"entities", "<!DOCTYPE a [" + repeat(500, func(i int) string { return fmt.Sprintf(`<!ENTITY a%d "&a%d;&a%d;">`, i+1, i, i) }) + "]>" + v.plain, "XML"},
		{"an unclosed tag", strings.Repeat("<", 70000), "XML"},
		{"an unclosed value", "<a b='" + strings.Repeat("a", 70000), "XML"},
		{"deflated", deflated.String(), ""},
		{"signatures", around(strings.Repeat(part(v.signed, "ds:Signature"), 20)), "signature"},
		{"transforms", strings.Replace(v.signed, "<ds:Transforms>", "<ds:Transforms>"+strings.Repeat(`<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>`, 500), 1), "signature"},
		{"prefixes", v.Sign(v.plain, "Assertion", func(f *samltest.Form) {
			f.Transforms = strings.Replace(f.Transforms, `xml-exc-c14n#">`, `xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="`+strings.Repeat("a ", 30000)+`"></ec:InclusiveNamespaces>`, 1)
		}) + " ", ""},
	}
	v10 := make([]*samltest.Provider, 9)
	for i := range v10 {
		v10[i] = samltest.NewRSA(entityID)
	}
	metadata := v.Metadata(v10...)
	verify := verifier(0)
	verify.Verify(metadata, samltest.Post(v.signed)) // remembers the metadata
	for _, b := range bombs {
		text := samltest.Post(b.text)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		got, err := verify.Verify(metadata, text)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		switch why := check(t, err); {
		case err == nil && (b.want != "" || got.Subject.Value != "ann"):
			t.Errorf("%s: accepted as %q", b.name, got.Subject.Value)
		case b.want != "" && why != b.want:
			t.Errorf("%s: refused for %s, want %s: %v", b.name, why, b.want, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
			t.Errorf("%s: %d MiB", b.name, used>>20)
		}
		t.Logf("%s: %s, %d KiB", b.name, took.Round(time.Microsecond), (after.TotalAlloc-before.TotalAlloc)>>10)
	}
	for n, want := range map[int]string{75_000: "", 75_003: "encoding"} { // 100,000 characters of base64, and four more
		if _, err := verify.Verify(metadata, samltest.Post(v.signed+strings.Repeat(" ", n-len(v.signed)))); check(t, err) != want {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	t.Logf("S-10 bombs: %d, none went off", len(bombs)+1)
}

// TestEncrypted: an encrypted assertion is refused in one way, whatever is in it
// (threats S-11).
func TestEncrypted(t *testing.T) {
	t.Parallel()
	v := newVictim()
	texts := map[string]bool{}
	var attacks []attack
	for _, n := range []int{0, 1, 15, 16, 17, 4096} {
		for _, name := range []string{"EncryptedAssertion", "EncryptedData"} {
			data := `<saml:` + name + `><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"><xenc:CipherData><xenc:CipherValue>` +
				base64.StdEncoding.EncodeToString(make([]byte, n)) + `</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:` + name + `>`
			instead := strings.Replace(v.plain, part(v.plain, "saml:Assertion"), data, 1)
			beside := strings.Replace(v.signed, "</samlp:Response>", data+"</samlp:Response>", 1)
			attacks = append(attacks, attack{fmt.Sprint(name, " ", n), instead, "encryption"}, attack{fmt.Sprint(name, " beside ", n), beside, "encryption"})
			for _, text := range []string{instead, beside} {
				_, err := verifier(0).Verify(v.Metadata(), samltest.Post(text))
				texts[fmt.Sprint(err)] = true
			}
		}
	}
	attacks = append(attacks, attack{"an encrypted name", v.Sign(strings.Replace(v.plain, part(v.plain, "saml:NameID"), "<saml:EncryptedID/>", 1), "Assertion"), "encryption"})
	refusedAll(t, "S-11 encrypted", v.Provider, attacks)
	if len(texts) != 1 {
		t.Errorf("refused in %d ways", len(texts))
	}
}

// TestEncodings are documents that two readers could read in two ways (threats
// S-12).
func TestEncodings(t *testing.T) {
	t.Parallel()
	v := newVictim()
	wide := func(order func(uint16) []byte) string {
		var b []byte
		for _, u := range utf16.Encode([]rune(v.signed)) {
			b = append(b, order(u)...)
		}
		return string(b)
	}
	attacks := []attack{
		{"a byte order mark", "\ufeff" + v.signed, ""},
		{"UTF-16 big", "\xfe\xff" + wide(func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} }), ""},
		{"UTF-16 little", "\xff\xfe" + wide(func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} }), ""},
		{"UTF-16 without a mark", wide(func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} }), ""},
		{"bad UTF-8", strings.Replace(v.signed, ">ann<", ">ann\xff<", 1), "encoding"},
		{"overlong UTF-8", strings.Replace(v.signed, ">ann<", ">ann\xc0\xbc<", 1), "encoding"},
		{"a surrogate", strings.Replace(v.signed, ">ann<", ">ann\xed\xa0\x80<", 1), "encoding"},
		{"a zero byte", strings.Replace(v.signed, ">ann<", ">ann\x00<", 1), "XML"},
		{"a control character", strings.Replace(v.signed, ">ann<", ">ann\x01<", 1), "XML"},
		{"no character", strings.Replace(v.signed, ">ann<", ">ann\uffff<", 1), "XML"},
		{"XML 1.1", `<?xml version="1.1"?>` + v.signed, "XML"},
		{"XML 2.0", `<?xml version="2.0"?>` + v.signed, "XML"},
		{"declared UTF-16", `<?xml version="1.0" encoding="UTF-16"?>` + v.signed, "XML"},
		{"declared UTF-7", `<?xml version="1.0" encoding="UTF-7"?>` + v.signed, "XML"},
		{"declared Latin 1", `<?xml version="1.0" encoding="ISO-8859-1"?>` + v.signed, "XML"},
		{"declared twice", `<?xml version="1.0"?><?xml version="1.0"?>` + v.signed, "XML"},
		{"declared late", " " + `<?xml version="1.0"?>` + v.signed, "XML"},
		{"declared inside", strings.Replace(v.signed, "<samlp:Status>", `<?xml version="1.0"?><samlp:Status>`, 1), "XML"},
		{"two roots", v.signed + v.signed, "XML"},
		{"a second root", v.signed + "<a/>", "XML"},
		{"text before", "x" + v.signed, "XML"},
		{"text behind", v.signed + "x", "XML"},
		{"a stray end", v.signed + "</a>", "XML"},
		{"not closed", strings.TrimSuffix(v.signed, "</samlp:Response>"), "XML"},
		{"closed by another", strings.TrimSuffix(v.signed, "</samlp:Response>") + "</samlp:Status>", "XML"},
		{"closed by another prefix", strings.TrimSuffix(v.signed, "</samlp:Response>") + "</saml:Response>", "XML"},
		{"nothing", "", "XML"},
		{"white space", " \n", "XML"},
		{"JSON", `{"Response":{}}`, "XML"},
		{"HTML", "<html><body><p>x<br></body></html>", "XML"},
		{"attributes without quotes", strings.Replace(v.signed, `Version="2.0"`, "Version=2.0", 1), "XML"},
		{"]]> in text", strings.Replace(v.signed, ">ann<", ">ann]]><", 1), "XML"},
	}
	refusedAll(t, "S-12 encodings", v.Provider, attacks)
	for name, posted := range map[string]string{
		"not base64": "!", "URL base64": "PHg-_w==", "no padding": strings.TrimRight(samltest.Post(v.signed+"  "), "="), "stray bits": "PB==", "too much padding": samltest.Post(v.signed) + "====",
		"escaped for URLs": strings.ReplaceAll(samltest.Post(v.signed), "+", "%2B") + "%3D", "spaces": "A AA A", "empty": "",
	} {
		if _, err := verifier(0).Verify(v.Metadata(), posted); err == nil && name != "no padding" {
			t.Errorf("%s: accepted", name)
		}
	}
	lines := slices.Collect(slices.Chunk([]byte(samltest.Post(v.signed)), 76))
	if _, err := verifier(0).Verify(v.Metadata(), string(bytes.Join(lines, []byte("\r\n")))); err != nil {
		t.Errorf("in lines: %v", err) // as RFC 2045 has it
	}
}
