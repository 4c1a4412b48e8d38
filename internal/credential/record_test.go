package credential

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

// fullSession has something in every field.
func fullSession() Session {
	s := exampleSession()
	s.User, s.OwnerID, s.SourceIdentity, s.Guest = "ann", "AIDAANN", "ann@example.com", true
	s.TransitiveTags, s.Policies, s.PolicyARNs = []string{"team"}, []string{"{}", ""}, []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}
	return s
}

// TestRecordsHaveEveryField fails if a field is added to sessions and not to
// their records.
func TestRecordsHaveEveryField(t *testing.T) {
	s := fullSession()
	for i, fields := 0, reflect.ValueOf(s); i < fields.NumField(); i++ {
		if fields.Field(i).IsZero() {
			t.Errorf("the example has nothing in %s", fields.Type().Field(i).Name)
		}
	}
	got, err := parseRecord(appendRecord(nil, &s))
	got.AccessKeyID = s.AccessKeyID // the token's, not the record's
	if err != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("wrote %+v, read %+v, %v", s, got, err)
	}
}

func TestRecordsThatAreNone(t *testing.T) {
	s := fullSession()
	record := appendRecord(nil, &s)
	for n := range record {
		if got, err := parseRecord(record[:n]); !errors.Is(err, errRecord) {
			t.Errorf("%d of %d bytes: %+v, %v", n, len(record), got, err)
		}
	}
	many := bytes.Repeat([]byte{0xff}, 9)
	for name, bad := range map[string][]byte{
		"longer":                    append(bytes.Clone(record), 0),
		"of another version":        append([]byte{recordVersion + 1}, record[1:]...),
		"a text of 2^63 bytes":      append(append([]byte{recordVersion}, many...), 1),
		"a number that has no end":  append([]byte{recordVersion}, bytes.Repeat([]byte{0xff}, 20)...),
		"a list of 2^63 texts":      append(append(append([]byte{recordVersion}, make([]byte, len(texts(&s)))...), many...), 1),
		"JSON that is no session":   []byte("{]"),
		"JSON of another type":      []byte(`{"keys":"many"}`),
		"JSON with something after": []byte("{}{}"),
	} {
		if got, err := parseRecord(bad); !errors.Is(err, errRecord) || !reflect.DeepEqual(got, Session{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestTokensOfEarlierReleases opens a token as releases sealed it that wrote
// sessions as JSON. testdata/json-session.txt has the token and its secret.
func TestTokensOfEarlierReleases(t *testing.T) {
	text, err := os.ReadFile("testdata/json-session.txt")
	if err != nil {
		t.Fatal(err)
	}
	token, want, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	box := sessions(t, 1)
	s, secret, err := openSession(box, "ASIAABCDEFGHIJKLMNOP", token)
	if err != nil || secret != want || !reflect.DeepEqual(s, exampleSession()) {
		t.Errorf("opened %+v, secret %q, %v", s, secret, err)
	}
	if now := sealed(t, box, s).SessionToken; len(now) >= len(token) {
		t.Errorf("a token has %d characters, and had %d", len(now), len(token))
	}
}

// FuzzParseRecord: whatever is read is within the record, and is written back as
// it was read.
func FuzzParseRecord(f *testing.F) {
	s, empty := fullSession(), Session{}
	f.Add(appendRecord(nil, &s))
	f.Add(appendRecord(nil, &empty))
	f.Add([]byte(`{"id":"x","keys":{"a":["b"]},"iat":"2015-08-30T12:36:00Z"}`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, record []byte) {
		s, err := parseRecord(record)
		if err != nil {
			if !errors.Is(err, errRecord) {
				t.Fatal(err)
			}
			return
		}
		if record[0] == '{' {
			return // such are written no more
		}
		again, err := parseRecord(appendRecord(nil, &s))
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("read %+v, then %+v, %v", s, again, err)
		}
	})
}

// BenchmarkOpenSession is what the token of a signed request costs.
func BenchmarkOpenSession(b *testing.B) {
	box := sessions(b, 1)
	c := sealed(b, box, exampleSession())
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := openSession(box, c.AccessKeyID, c.SessionToken); err != nil {
			b.Fatal(err)
		}
	}
}
