package saml_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"idpool/internal/saml"
)

// signer signs the certificates of the tests, whatever their keys.
var signer = sync.OnceValue(func() *ecdsa.PrivateKey { return newKey(elliptic.P256()) })

func newKey(c elliptic.Curve) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// certify makes a certificate of a key, in base64.
func certify(key crypto.PublicKey, change ...func(*x509.Certificate)) string {
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotAfter: time.Unix(1<<31, 0)}
	for _, f := range change {
		f(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key, signer())
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// rsaKey is the public half of an RSA key of so many bits; nobody has the
// private one.
func rsaKey(bits uint) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}
}

// certificate is a good one.
var certificate = sync.OnceValue(func() string { return certify(signer().Public()) })

const entityID = "https://idp.example.com/saml"

// key is a KeyDescriptor with attributes and certificates.
func key(attributes string, certificates ...string) string {
	var b strings.Builder
	for _, c := range certificates {
		b.WriteString("<ds:X509Certificate>" + c + "</ds:X509Certificate>")
	}
	return `<KeyDescriptor ` + attributes + `><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>` + b.String() + `</ds:X509Data></ds:KeyInfo></KeyDescriptor>`
}

// provider is an IDPSSODescriptor with attributes.
func provider(attributes string, inside ...string) string {
	return `<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" ` + attributes + `>` + strings.Join(inside, "") + `</IDPSSODescriptor>`
}

// entity is an EntityDescriptor with attributes.
func entity(attributes string, inside ...string) string {
	return `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + entityID + `" ` + attributes + `>` + strings.Join(inside, "") + `</EntityDescriptor>`
}

func entities(attributes string, inside ...string) string {
	return `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ` + attributes + `>` + strings.Join(inside, "") + `</md:EntitiesDescriptor>`
}

// read reads a document that must be good.
func read(t testing.TB, text string) saml.Metadata {
	t.Helper()
	m, err := saml.ParseMetadata(text)
	if err != nil {
		t.Fatalf("%v\n%.4000s", err, text)
	}
	return m
}

func file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRealDocuments(t *testing.T) {
	for name, want := range map[string]struct {
		entityID, subject string
		validUntil        time.Time
	}{
		"keycloak.xml": {"https://keycloak.example.com/realms/staff", "CN=staff", time.Time{}},
		"adfs.xml":     {"http://adfs.example.com/adfs/services/trust", "CN=ADFS Signing - adfs.example.com", time.Date(2036, 1, 2, 3, 4, 5, 678e6, time.UTC)},
	} {
		m := read(t, file(t, name))
		if m.EntityID != want.entityID || !m.ValidUntil.Equal(want.validUntil) {
			t.Errorf("%s: %s until %s", name, m.EntityID, m.ValidUntil)
		}
		if len(m.Certificates) != 1 || m.Certificates[0].Subject.String() != want.subject {
			t.Errorf("%s: certificates %v", name, m.Certificates)
		}
	}
}

// TestAccepted is what a document may look like, and what of it counts.
func TestAccepted(t *testing.T) {
	one, two := certificate(), certify(newKey(elliptic.P384()).Public())
	extensions := `<Extensions>` + provider("", key("", two)) + `</Extensions>` // what stands there is somebody else's
	early, late := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	until := func(t time.Time) string { return `validUntil="` + t.Format(time.RFC3339) + `"` }

	for name, c := range map[string]struct {
		text  string
		keys  []string
		until time.Time
	}{
		"the least":                     {entity("", provider("", key("", one))), []string{one}, time.Time{}},
		"a declaration":                 {`<?xml version="1.0" encoding="UTF-8"?>` + entity("", provider("", key("", one))), []string{one}, time.Time{}},
		"space and comments around":     {"\n <!-- a -->" + entity("", provider("", key("", one))) + "\n<!-- b -->\n", []string{one}, time.Time{}},
		"for signing":                   {entity("", provider("", key(`use="signing"`, one))), []string{one}, time.Time{}},
		"two keys, in order":            {entity("", provider("", key("", two), key(`use="signing"`, one))), []string{two, one}, time.Time{}},
		"a key for encryption beside":   {entity("", provider("", key(`use="encryption"`, two, "not even base64"), key("", one))), []string{one}, time.Time{}},
		"lines in the certificate":      {entity("", provider("", key("", "\n\t"+one[:64]+"\r\n"+one[64:]+" "))), []string{one}, time.Time{}},
		"a comment in the certificate":  {entity("", provider("", key("", one[:64]+"<!-- x -->"+one[64:]))), []string{one}, time.Time{}},
		"character data":                {entity("", provider("", key("", "<![CDATA["+one+"]]>"))), []string{one}, time.Time{}},
		"a wrapper":                     {entities("", entity("", provider("", key("", one)))), []string{one}, time.Time{}},
		"wrappers":                      {entities("", entities("", entity("", `<SPSSODescriptor/>`), entity("", provider("", key("", one))))), []string{one}, time.Time{}},
		"extensions do not count":       {entity("", extensions, provider("", `<Extensions>`+key("", two)+`</Extensions>`, key("", one)), extensions), []string{one}, time.Time{}},
		"nor does another namespace":    {entity("", strings.ReplaceAll(provider(`xmlns="urn:other"`, key("", two)), "use", "x"), provider("", key("", one))), []string{one}, time.Time{}},
		"nor an attribute in one":       {entity(`xmlns:x="urn:other" x:entityID="y" x:validUntil="never"`, provider("", key("", one))), []string{one}, time.Time{}},
		"nor an older protocol":         {entity("", `<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol">`+key("", two)+`</IDPSSODescriptor>`, provider("", key("", one))), []string{one}, time.Time{}},
		"several protocols":             {strings.Replace(entity("", provider("", key("", one))), `="urn:oasis:names:tc:SAML:2.0:p`, `="urn:mace:shibboleth:1.0&#x9;urn:oasis:names:tc:SAML:2.0:p`, 1), []string{one}, time.Time{}},
		"valid until":                   {entity(until(early), provider("", key("", one))), []string{one}, early},
		"valid until, another zone":     {entity(`validUntil="2030-01-01T02:00:00.000+02:00"`, provider("", key("", one))), []string{one}, early},
		"valid until, no zone":          {entity(`validUntil="2030-01-01T00:00:00"`, provider("", key("", one))), []string{one}, early},
		"the wrapper ends first":        {entities(until(early), entity(until(late), provider("", key("", one)))), []string{one}, early},
		"the entity ends first":         {entities(until(late), entity(until(early), provider(until(late), key("", one)))), []string{one}, early},
		"the provider ends first":       {entity(until(late), provider(until(early), key("", one))), []string{one}, early},
		"another provider's end is not": {entities("", entity(until(early)), entity("", provider("", key("", one)))), []string{one}, time.Time{}},
		"ten keys":                      {entity("", provider("", strings.Repeat(key("", one), 10))), slicesRepeat(one, 10), time.Time{}},
	} {
		m, err := saml.ParseMetadata(c.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var keys []string
		for _, cert := range m.Certificates {
			keys = append(keys, base64.StdEncoding.EncodeToString(cert.Raw))
		}
		if m.EntityID != entityID || !m.ValidUntil.Equal(c.until) || strings.Join(keys, " ") != strings.Join(c.keys, " ") {
			t.Errorf("%s: %s until %s with %d keys", name, m.EntityID, m.ValidUntil, len(keys))
		}
		if !m.ValidUntil.IsZero() && m.ValidUntil.Location() != time.UTC {
			t.Errorf("%s: until %s", name, m.ValidUntil)
		}
	}
}

func slicesRepeat(s string, n int) (list []string) {
	for range n {
		list = append(list, s)
	}
	return list
}

// TestTheEntityIDIsKeptAsItIs holds that the issuer is compared byte for byte
// with what stands in the document.
func TestTheEntityIDIsKeptAsItIs(t *testing.T) {
	for written, want := range map[string]string{
		"HTTPS://IDP.example.com:443/a/../b/": "HTTPS://IDP.example.com:443/a/../b/",
		" urn:x ":                             " urn:x ",
		"urn:x&amp;y&#65;":                    "urn:x&yA",
		"urn:e\u0301":                         "urn:e\u0301",
		strings.Repeat("é", 1024):             strings.Repeat("é", 1024),
	} {
		text := strings.Replace(entity("", provider("", key("", certificate()))), entityID, written, 1)
		if got := read(t, text).EntityID; got != want {
			t.Errorf("%q is read as %q", written, got)
		}
	}
}

// TestRefused is what no document may have, and why it is refused.
func TestRefused(t *testing.T) {
	one := certificate()
	good := entity("", provider("", key("", one)))
	read(t, good)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, least, most, large := certify(rsaKey(1023)), certify(rsaKey(1024)), certify(rsaKey(8192)), certify(rsaKey(8193))
	read(t, entity("", provider("", key("", least), key("", most))))
	twice := func(c *x509.Certificate) {
		e := pkix.Extension{Id: []int{1, 2, 3, 4}, Value: []byte{5, 0}}
		c.ExtraExtensions = []pkix.Extension{e, e}
	}
	deep := func(n int) string { return strings.Repeat("<x>", n) + strings.Repeat("</x>", n) }
	read(t, entity("", deep(62), provider("", key("", one))))
	attributes := func(n int) (s string) {
		for range n {
			s += ` a="b"`
		}
		return s
	}
	read(t, entity("", "<x"+attributes(64)+"/>", provider("", key("", one))))
	read(t, entity("", strings.Repeat("<x/>", 19_000), provider("", key("", one))))
	in := func(certificate string) string { return entity("", provider("", key("", certificate))) }

	for name, c := range map[string]struct{ text, why string }{
		"nothing":                       {"", "unexpected EOF"},
		"white space":                   {" \n", "unexpected EOF"},
		"no XML":                        {"hello", "text outside of the root element"},
		"JSON":                          {`{"entityID":"x"}`, "text outside of the root element"},
		"another root":                  {"<Response/>", `the root element is "Response"`},
		"the root without namespace":    {strings.Replace(good, ` xmlns="urn:oasis:names:tc:SAML:2.0:metadata"`, "", 1), `the root element is "EntityDescriptor"`},
		"the root in another one":       {strings.Replace(good, "SAML:2.0:metadata", "SAML:2.0:Metadata", 1), `the root element is "EntityDescriptor"`},
		"an IdP as root":                {strings.Replace(provider("", key("", one)), "<IDPSSODescriptor", `<IDPSSODescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"`, 1), `the root element is "IDPSSODescriptor"`},
		"cut short":                     {good[:len(good)-1], "unexpected EOF"},
		"cut in a certificate":          {good[:len(good)/2], "unexpected EOF"},
		"wrong nesting":                 {strings.Replace(good, "</IDPSSODescriptor></EntityDescriptor>", "</EntityDescriptor></IDPSSODescriptor>", 1), "closed by"},
		"two roots":                     {good + good, "two root elements"},
		"an empty second root":          {good + "<x/>", "two root elements"},
		"text behind":                   {good + "x", "text outside of the root element"},
		"text before":                   {"x" + good, "text outside of the root element"},
		"NUL behind":                    {good + "\x00", "illegal character code"},
		"a byte order mark":             {"\ufeff" + good, "a byte order mark"},
		"UTF-16":                        {"\xff\xfe<\x00", "not UTF-8"},
		"invalid UTF-8":                 {strings.Replace(good, entityID, "\xff", 1), "not UTF-8"},
		"declared as UTF-16":            {`<?xml version="1.0" encoding="UTF-16"?>` + good, "encoding"},
		"declared as Latin-1":           {`<?xml version="1.0" encoding="ISO-8859-1"?>` + good, "encoding"},
		"XML 1.1":                       {`<?xml version="1.1"?>` + good, "unsupported version"},
		"a declaration behind space":    {` <?xml version="1.0"?>` + good, "a processing instruction"},
		"a declaration inside":          {entity("", `<?xml version="1.0"?>`, provider("", key("", one))), "a processing instruction"},
		"a processing instruction":      {`<?xml-stylesheet href="x"?>` + good, "a processing instruction"},
		"one in a certificate":          {in(one[:64] + "<?x y?>" + one[64:]), "a processing instruction"},
		"a document type":               {"<!DOCTYPE x>" + good, "a document type"},
		"a document type, lower case":   {"<!doctype x>" + good, "a document type"},
		"an external subset":            {`<!DOCTYPE EntityDescriptor SYSTEM "http://127.0.0.1/x.dtd">` + good, "a document type"},
		"an entity":                     {`<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>` + in("&a;"), "a document type"},
		"entities that multiply":        {`<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>` + in("&b;"), "a document type"},
		"a document type behind":        {good + "<!DOCTYPE x>", "a document type"},
		"an entity nobody declared":     {in("&a;"), "invalid character entity"},
		"no entityID":                   {strings.Replace(good, `entityID="`+entityID+`"`, "", 1), `the entityID "" is empty`},
		"an empty entityID":             {strings.Replace(good, entityID, "", 1), `the entityID "" is empty`},
		"a long entityID":               {strings.Replace(good, entityID, strings.Repeat("é", 1025), 1), "longer than 1024"},
		"two entityIDs":                 {entity(`entityID="other"`, provider("", key("", one))), "attribute entityID twice"},
		"two ends":                      {entity(`validUntil="2030-01-01T00:00:00Z" validUntil="2031-01-01T00:00:00Z"`, provider("", key("", one))), "attribute validUntil twice"},
		"an end that is no time":        {entity(`validUntil="tomorrow"`, provider("", key("", one))), "validUntil"},
		"an end that is a day":          {entity(`validUntil="2030-01-01"`, provider("", key("", one))), "validUntil"},
		"a day that does not exist":     {entity(`validUntil="2030-02-30T00:00:00Z"`, provider("", key("", one))), "validUntil"},
		"the provider's end is no time": {entity("", provider(`validUntil=""`, key("", one))), "validUntil"},
		"the wrapper's end is no time":  {entities(`validUntil=""`, good), "validUntil"},
		"no provider":                   {entity("", `<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">`+key("", one)+`</SPSSODescriptor>`), "0 identity providers"},
		"an empty wrapper":              {entities(""), "0 identity providers"},
		"a provider without protocol":   {entity("", `<IDPSSODescriptor>`+key("", one)+`</IDPSSODescriptor>`), "0 identity providers"},
		"a protocol that looks alike":   {strings.Replace(good, "2.0:protocol", "2.0:protocols", 1), "0 identity providers"},
		"a provider in extensions only": {entity("", "<Extensions>", provider("", key("", one)), "</Extensions>"), "0 identity providers"},
		"two providers":                 {entity("", provider("", key("", one)), provider("", key("", one))), "2 identity providers"},
		"two entities":                  {entities("", good, good), "2 identity providers"},
		"a second one without keys":     {entity("", provider("", key("", one)), provider("")), "2 identity providers"},
		"no key":                        {entity("", provider("")), "no certificate for signing"},
		"keys for encryption only":      {entity("", provider("", key(`use="encryption"`, one))), "no certificate for signing"},
		"a key beside the provider":     {entity("", key("", one), provider("")), "no certificate for signing"},
		"a key in extensions":           {entity("", provider("", "<Extensions>"+key("", one)+"</Extensions>")), "no certificate for signing"},
		"a use nobody knows":            {entity("", provider("", key(`use="Signing"`, one))), `a key for the use "Signing"`},
		"no use in it":                  {entity("", provider("", key(`use=""`, one))), `a key for the use ""`},
		"two uses":                      {entity("", provider("", key(`use="encryption" use="signing"`, one))), "attribute use twice"},
		"a key without certificate":     {entity("", provider("", key(""))), "a key with 0 certificates"},
		"a key value":                   {entity("", provider("", `<KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><KeyValue/></KeyInfo></KeyDescriptor>`)), "a key with 0 certificates"},
		"a chain":                       {entity("", provider("", key("", one, one))), "a key with 2 certificates"},
		"a good key and a bad one":      {entity("", provider("", key("", one), key("", "AAAA"))), "certificate: "},
		"eleven keys":                   {entity("", provider("", strings.Repeat(key("", one), 11))), "more than 10 certificates"},
		"an element in a certificate":   {in(one[:64] + "<x/>" + one[64:]), "an element inside of text"},
		"an empty certificate":          {in(""), "certificate: "},
		"a certificate in PEM":          {in("-----BEGIN CERTIFICATE-----\n" + one + "\n-----END CERTIFICATE-----"), "illegal base64"},
		"more behind a certificate":     {in(base64.StdEncoding.EncodeToString(append(decode(one), 0))), "trailing data"},
		"other base64":                  {in(strings.NewReplacer("+", "-", "/", "_").Replace(one) + "_"), "illegal base64"},
		"a repeated extension":          {in(certify(signer().Public(), twice)), "duplicate extension"},
		"RSA of 1023 bits":              {in(small), "an RSA key of 1023 bits"},
		"RSA of 8193 bits":              {in(large), "an RSA key of 8193 bits"},
		"Ed25519":                       {in(certify(edwards.Public())), "a key of type ed25519.PublicKey"},
		"nested too deep":               {entity("", deep(64), provider("", key("", one))), "nested deeper than 64"},
		"wrappers too deep":             {strings.Repeat(`<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">`, 65) + good + strings.Repeat("</EntitiesDescriptor>", 65), "nested deeper than 64"},
		"too many elements":             {entity("", strings.Repeat("<x/>", 20_001), provider("", key("", one))), "more than 20000 elements"},
		"too many attributes":           {entity("", "<x"+attributes(65)+"/>", provider("", key("", one))), "more than 64 attributes"},
		"too long":                      {good + strings.Repeat(" ", 10_000_000), "longer than 10000000 characters"},
	} {
		m, err := saml.ParseMetadata(c.text)
		if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
		if m.EntityID != "" || m.Certificates != nil || !m.ValidUntil.IsZero() {
			t.Errorf("%s: refused, but read as %+v", name, m)
		}
	}
	longest := good + strings.Repeat(" ", 10_000_000-len(good))
	read(t, longest)
}

func decode(text string) []byte {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}

// FuzzParseMetadata holds that what is accepted has an issuer and keys that can
// be used, is free of what was never looked for, and is read the same again.
func FuzzParseMetadata(f *testing.F) {
	f.Add(file(f, "keycloak.xml"))
	f.Add(file(f, "adfs.xml"))
	f.Add(entity("", provider(`validUntil="2030-01-01T00:00:00Z"`, key(`use="signing"`, certificate()))))
	f.Add(entities("", entity("", provider("", key("", certificate()))), entity("", "<x/>")))
	f.Add(`<!DOCTYPE x [<!ENTITY a "b">]>` + entity("", provider("", key("", "&a;"))))
	f.Add(`<?xml version="1.0"?>` + entity("", "<![CDATA[x]]><?y z?>"))
	f.Fuzz(func(t *testing.T, text string) {
		m, err := saml.ParseMetadata(text)
		if err != nil {
			return
		}
		if m.EntityID == "" || len(m.Certificates) == 0 || len(m.Certificates) > 10 {
			t.Fatalf("accepted: %+v", m)
		}
		again := read(t, text+"\n<!-- nothing -->")
		if again.EntityID != m.EntityID || !again.ValidUntil.Equal(m.ValidUntil) || len(again.Certificates) != len(m.Certificates) {
			t.Fatalf("read as %+v, then as %+v", m, again)
		}
		for i, c := range m.Certificates {
			if !c.Equal(again.Certificates[i]) {
				t.Fatalf("certificate %d is another one", i)
			}
			switch key := c.PublicKey.(type) {
			case *rsa.PublicKey:
				if key.N.BitLen() < 1024 {
					t.Fatalf("RSA of %d bits", key.N.BitLen())
				}
			case *ecdsa.PublicKey:
			default:
				t.Fatalf("a key of type %T", key)
			}
		}
		if _, err := saml.ParseMetadata(text + "<!DOCTYPE x>"); err == nil {
			t.Fatal("a document type behind it is accepted")
		}
	})
}
