package saml_test

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"idpool/internal/saml"
	"idpool/internal/saml/samltest"
)

// foreign are the responses that xmlsec1 signed, by file, all of one content;
// see make.sh beside them.
func foreign(t testing.TB) (metadata string, responses map[string]string) {
	t.Helper()
	names, err := filepath.Glob("testdata/xmlsec/*.xml")
	if err != nil || len(names) != 6 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	responses = map[string]string{}
	for _, name := range names {
		responses[filepath.Base(name)] = file(t, "xmlsec/"+filepath.Base(name))
	}
	metadata = responses["metadata.xml"]
	delete(responses, "metadata.xml")
	return metadata, responses
}

// TestForeignSignatures verifies what other people's code canonicalised and
// signed.
func TestForeignSignatures(t *testing.T) {
	t.Parallel()
	metadata, responses := foreign(t)
	for name, text := range responses {
		got, err := verifier(0).Verify(metadata, samltest.Post(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := "ann & <Bob> üé"; got.Subject.Value != want {
			t.Errorf("%s: %q, want %q", name, got.Subject.Value, want)
		}
		if want := []string{`one "two" 'three'`, "  vier\t\tfünf\n", ""}; !slices.Equal(got.Attributes["groups"], want) {
			t.Errorf("%s: %q, want %q", name, got.Attributes["groups"], want)
		}
	}
}

// FuzzVerify changes signed responses. Whatever is accepted must say what the
// provider said, to the last attribute: nobody here has its key.
func FuzzVerify(f *testing.F) {
	metadata, responses := foreign(f)
	var said saml.Assertion
	for name, text := range responses {
		var err error
		if said, err = verifier(0).Verify(metadata, samltest.Post(text)); err != nil {
			f.Fatalf("%s: %v", name, err)
		}
		f.Add(text)
		assertion := part(strings.ReplaceAll(text, "<Assertion ", "<Assertion  "), "Assertion")
		f.Add(strings.Replace(text, "</samlp:Response>", assertion+"</samlp:Response>", 1))
		f.Add(strings.Replace(text, "ann &amp;", "bob<!-- -->", 1))
		f.Add(strings.Replace(text, "<samlp:Status>", `<samlp:Extensions xmlns:x="urn:x"><x:a ID="b"/></samlp:Extensions><samlp:Status>`, 1))
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := verifier(0).Verify(metadata, samltest.Post(text))
		if err == nil && !reflect.DeepEqual(got, said) {
			t.Fatalf("accepted: %+v\nsaid: %+v", got, said)
		}
		if err != nil {
			check(t, err)
		}
	})
}
