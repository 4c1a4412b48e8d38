package saml

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// The bounds of a response.
const (
	maxResponse          = 100_000 // characters of base64
	maxResponseElements  = 2_000
	maxResponseNamespace = 64 // prefixes in scope at one element
)

const (
	assertionSpace = "urn:oasis:names:tc:SAML:2.0:assertion"
	xmlSpace       = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace     = "http://www.w3.org/2000/xmlns/"
)

// document is a response of which the form is right, and nothing is believed
// yet.
type document struct {
	response  *etree.Element
	assertion *etree.Element // a child of the response; nil if there is none
	// The signatures, each a child of what it is to sign; nil if there is none.
	ofResponse, ofAssertion *etree.Element
}

// read reads a response strictly: in this form two readers cannot understand it
// differently (threats S-1 to S-4, S-10 to S-12). Markup that begins with "<!"
// is refused before anything is parsed: document types and entities, and with
// them comments and marked sections, which no provider needs.
func read(response string) (*document, *Refusal) {
	if len(response) > maxResponse {
		return nil, refuse("encoding", fmt.Sprintf("at most %d characters", maxResponse), "%d", len(response))
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(response)
	if err != nil {
		return nil, &Refusal{Check: "encoding", Cause: err}
	}
	text := string(raw)
	switch {
	case !utf8.ValidString(text):
		return nil, refuse("encoding", "UTF-8", "other bytes")
	case strings.Contains(text, "<!"):
		return nil, refuse("XML", "elements and text", "a document type, a comment or a marked section")
	case strings.Contains(strings.TrimPrefix(text, "<?xml "), "<?"): // the declaration may stand first
		return nil, refuse("XML", "elements and text", "a processing instruction")
	}
	tree := etree.NewDocument()
	tree.ReadSettings = etree.ReadSettings{MaxDepth: maxDepth, PreserveDuplicateAttrs: true, CharsetReader: onlyUTF8}
	if err := tree.ReadFromString(text); err != nil {
		return nil, &Refusal{Check: "XML", Cause: fmt.Errorf("%.200q", err.Error())}
	}
	root, why := soleRoot(tree)
	if why != nil {
		return nil, why
	}
	c := &census{ids: map[string]bool{}}
	if err := c.count(root, map[string]string{}); err != nil {
		return nil, &Refusal{Check: "XML", Cause: err}
	}
	return c.document(root)
}

// onlyUTF8 stands in for a conversion from the encoding that an XML declaration
// names.
func onlyUTF8(string, io.Reader) (io.Reader, error) { return nil, errors.New("not UTF-8") }

// soleRoot is the one element of the document, with nothing but white space
// around it.
func soleRoot(tree *etree.Document) (root *etree.Element, why *Refusal) {
	for _, token := range tree.Child {
		switch token := token.(type) {
		case *etree.Element:
			if root != nil {
				return nil, refuse("XML", "one root element", "two")
			}
			root = token
		case *etree.CharData:
			if strings.Trim(token.Data, " \t\r\n") != "" {
				return nil, refuse("XML", "nothing outside of the root element", "text")
			}
		}
	}
	if root == nil {
		return nil, refuse("XML", "one root element", "none")
	}
	return root, nil
}

// census is what a walk over the whole document finds. Elements that matter are
// found by their local names, in whatever namespace.
type census struct {
	elements               int
	ids                    map[string]bool
	responses              int
	assertions, signatures []*etree.Element
	encrypted              bool
}

// count walks over an element. scope are the namespaces around it, by prefix.
func (c *census) count(e *etree.Element, scope map[string]string) error {
	if c.elements++; c.elements > maxResponseElements {
		return fmt.Errorf("more than %d elements", maxResponseElements)
	}
	if len(e.Attr) > maxAttributes {
		return fmt.Errorf("an element with more than %d attributes", maxAttributes)
	}
	scope, err := within(scope, e)
	if err != nil {
		return err
	}
	if _, known := scope[e.Space]; e.Space != "" && !known || !plain(e.Tag) {
		return fmt.Errorf("the element name %.64q", e.FullTag())
	}
	if err := c.attributes(e, scope); err != nil {
		return err
	}
	switch e.Tag {
	case "Response":
		c.responses++
	case "Assertion":
		c.assertions = append(c.assertions, e)
	case "Signature":
		c.signatures = append(c.signatures, e)
	case "EncryptedAssertion", "EncryptedID", "EncryptedAttribute", "EncryptedData", "EncryptedKey":
		c.encrypted = true
	}
	for _, child := range e.Child {
		switch child := child.(type) {
		case *etree.Element:
			if err := c.count(child, scope); err != nil {
				return err
			}
		case *etree.CharData:
			if strings.ContainsRune(child.Data, utf8.RuneError) { // what the library makes of a character that is none
				return errors.New("text that is none")
			}
		default:
			return fmt.Errorf("markup of type %T", child)
		}
	}
	return nil
}

// within is the scope inside of an element. A namespace name must be an
// absolute URI: for others canonicalisation is not defined (Exclusive XML
// Canonicalization 1.0, 3).
func within(scope map[string]string, e *etree.Element) (map[string]string, error) {
	inner, own := scope, false
	for _, a := range e.Attr {
		prefix, declares := declaration(a)
		if !declares {
			continue
		}
		if !own { // the outer one is the siblings' too
			inner, own = maps.Clone(scope), true
		}
		if prefix == "xml" || prefix == "xmlns" || !strings.Contains(a.Value, ":") || a.Value == xmlSpace || a.Value == xmlnsSpace {
			return nil, fmt.Errorf("the namespace %.64q", a.Value)
		}
		inner[prefix] = a.Value
	}
	if len(inner) > maxResponseNamespace {
		return nil, fmt.Errorf("more than %d namespaces", maxResponseNamespace)
	}
	return inner, nil
}

// declaration is the prefix that an attribute declares; empty for the default
// namespace.
func declaration(a etree.Attr) (prefix string, declares bool) {
	switch {
	case a.Space == "xmlns":
		return a.Key, true
	case a.Space == "" && a.Key == "xmlns":
		return "", true
	}
	return "", false
}

// attributes checks the attributes of an element: none twice, in whatever
// spelling, and IDs that are nobody else's.
func (c *census) attributes(e *etree.Element, scope map[string]string) error {
	seen := make(map[[2]string]bool, len(e.Attr))
	for _, a := range e.Attr {
		_, declares := declaration(a)
		space, known := scope[a.Space]
		switch {
		case declares:
			space, known = xmlnsSpace, true
		case a.Space == "":
			space, known = "", true
		case a.Space == "xml":
			space, known = xmlSpace, true
		}
		name := [2]string{space, a.Key}
		switch {
		case !known || !plain(a.Key) || strings.ContainsRune(a.Value, utf8.RuneError):
			return fmt.Errorf("the name or value of the attribute %.64q", a.FullKey())
		case seen[name]:
			return fmt.Errorf("the attribute %.64q twice", a.FullKey())
		}
		seen[name] = true
		if !declares && strings.EqualFold(a.Key, "ID") {
			if a.Space != "" || a.Value == "" || c.ids[a.Value] {
				return errors.New("an ID that is empty, prefixed or not unique")
			}
			c.ids[a.Value] = true
		}
	}
	return nil
}

// plain reports whether a local name is one.
func plain(name string) bool { return name != "" && !strings.Contains(name, ":") }

// document is what the census came to. Every response has its one place for an
// assertion, and each signature stands in what it is to sign.
func (c *census) document(root *etree.Element) (*document, *Refusal) {
	d := &document{response: root}
	switch {
	case !named(root, protocol, "Response") || c.responses != 1:
		return nil, refuse("structure", "one Response", "%d, and %.64q as the root", c.responses, root.FullTag())
	case c.encrypted:
		return nil, refuse("encryption", "an assertion in clear", "an encrypted one, which this version does not read")
	case len(c.assertions) > 1:
		return nil, refuse("structure", "one Assertion", "%d", len(c.assertions))
	}
	if len(c.assertions) == 1 {
		d.assertion = c.assertions[0]
		if d.assertion.Parent() != root || !named(d.assertion, assertionSpace, "Assertion") {
			return nil, refuse("structure", "an Assertion directly in the Response", "one in %.64q", d.assertion.Parent().FullTag())
		}
	}
	for _, s := range c.signatures {
		switch {
		case s.Parent() == root && d.ofResponse == nil:
			d.ofResponse = s
		case d.assertion != nil && s.Parent() == d.assertion && d.ofAssertion == nil:
			d.ofAssertion = s
		default:
			return nil, refuse("structure", "a Signature directly in the Response or in the Assertion", "one elsewhere, or two")
		}
		if why := checkSignature(s); why != nil {
			return nil, why
		}
	}
	return d, nil
}

// outside checks what the response says around its assertion.
func (d *document) outside(m Metadata) *Refusal {
	if version := value(d.response, "Version"); version != "2.0" {
		return refuse("version", "2.0", "%s", quoted(version))
	}
	statuses := children(d.response, protocol, "Status")
	if len(statuses) != 1 {
		return refuse("status", "one", "%d", len(statuses))
	}
	codes := children(statuses[0], protocol, "StatusCode")
	if len(codes) != 1 {
		return refuse("status", "one code", "%d", len(codes))
	}
	if code := value(codes[0], "Value"); code != "urn:oasis:names:tc:SAML:2.0:status:Success" {
		return refuse("status", "Success", "%s", quoted(code))
	}
	if d.assertion == nil {
		return refuse("structure", "one Assertion", "none")
	}
	if len(children(d.response, assertionSpace, "Issuer")) > 0 { // it need not say
		if why := checkIssuer(d.response, m); why != nil {
			return why
		}
	}
	return checkIssuer(d.assertion, m)
}

// checkIssuer holds that an element has the provider as its issuer.
func checkIssuer(e *etree.Element, m Metadata) *Refusal {
	issuer, ok := only(e, assertionSpace, "Issuer")
	if !ok {
		return refuse("issuer", quoted(m.EntityID), "none, or several")
	}
	name, ok := plainText(issuer)
	if !ok || name != m.EntityID {
		return refuse("issuer", quoted(m.EntityID), "%s", quoted(name))
	}
	return nil
}

// named reports whether an element has the name.
func named(e *etree.Element, space, tag string) bool {
	return e.Tag == tag && e.NamespaceURI() == space
}

// children are the elements of that name directly inside of another.
func children(e *etree.Element, space, tag string) (list []*etree.Element) {
	for _, child := range e.ChildElements() {
		if named(child, space, tag) {
			list = append(list, child)
		}
	}
	return list
}

// value is an attribute that has no prefix; empty if there is none. The library
// would take one of any prefix.
func value(e *etree.Element, name string) string {
	for _, a := range e.Attr {
		if a.Space == "" && a.Key == name {
			return a.Value
		}
	}
	return ""
}

// only is the one element of that name directly inside of another; not ok if
// there are none or several.
func only(e *etree.Element, space, tag string) (child *etree.Element, ok bool) {
	list := children(e, space, tag)
	if len(list) != 1 {
		return nil, false
	}
	return list[0], true
}

// plainText is the text of an element that holds nothing else.
func plainText(e *etree.Element) (text string, ok bool) {
	for _, child := range e.Child {
		data, isText := child.(*etree.CharData)
		if !isText {
			return "", false
		}
		text += data.Data
	}
	return text, true
}
