package credential

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"
)

// A session stands in its token as a record: a version, and the fields in one
// order. A number is a varint; a text is its length and its bytes; a list or a
// map is its length and its elements. The access key ID is not in it, because
// the token opens for that one only. Times are in seconds.
const recordVersion = 1

// errRecord is of a token that we sealed and that holds no session.
var errRecord = errors.New("not the record of a session")

// texts are the fields of a session that are one text, as they stand in the
// record.
func texts(s *Session) [9]*string {
	return [...]*string{&s.ID, &s.Account, &s.Role, &s.RoleID, &s.Name, &s.User, &s.OwnerID, &s.Provider, &s.SourceIdentity}
}

// lists are those that are several.
func lists(s *Session) [3]*[]string {
	return [...]*[]string{&s.TransitiveTags, &s.Policies, &s.PolicyARNs}
}

// appendRecord writes a session.
func appendRecord(b []byte, s *Session) []byte {
	b = append(b, recordVersion)
	for _, text := range texts(s) {
		b = appendText(b, *text)
	}
	for _, list := range lists(s) {
		b = appendTexts(b, *list)
	}
	b = binary.AppendUvarint(b, uint64(len(s.Keys)))
	for key, values := range s.Keys {
		b = appendTexts(appendText(b, key), values)
	}
	b = binary.AppendUvarint(b, uint64(len(s.Tags)))
	for key, value := range s.Tags {
		b = appendText(appendText(b, key), value)
	}
	guest := uint64(0)
	if s.Guest {
		guest = 1
	}
	b = binary.AppendUvarint(b, guest)
	b = binary.AppendVarint(b, s.Issued.Unix())
	return binary.AppendVarint(b, s.Expires.Unix())
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendTexts(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, text := range list {
		b = appendText(b, text)
	}
	return b
}

// parseRecord reads what appendRecord wrote, and what earlier releases did. The
// error is errRecord.
func parseRecord(b []byte) (s Session, err error) {
	switch {
	case len(b) > 0 && b[0] == '{':
		return parseJSONRecord(b)
	case len(b) == 0 || b[0] != recordVersion:
		return Session{}, errRecord
	}
	r := recordReader{bytes: b[1:], text: string(b[1:])}
	for _, text := range texts(&s) {
		*text = r.readText()
	}
	for _, list := range lists(&s) {
		*list = r.readTexts()
	}
	if n := r.readLen(); n > 0 {
		s.Keys = make(map[string][]string, n)
		for range n {
			key := r.readText()
			s.Keys[key] = r.readTexts()
		}
	}
	if n := r.readLen(); n > 0 {
		s.Tags = make(map[string]string, n)
		for range n {
			key := r.readText()
			s.Tags[key] = r.readText()
		}
	}
	s.Guest = r.readUvarint() != 0
	s.Issued, s.Expires = r.readTime(), r.readTime()
	if r.short || len(r.bytes) > 0 {
		return Session{}, errRecord
	}
	return s, nil
}

// recordReader reads from the front of a record, and nothing more once the
// record was short. The texts share one copy.
type recordReader struct {
	bytes []byte
	text  string // the same
	short bool
}

func (r *recordReader) skip(n int) {
	r.bytes, r.text = r.bytes[n:], r.text[n:]
}

func (r *recordReader) fail() {
	r.bytes, r.text, r.short = nil, "", true
}

func (r *recordReader) readUvarint() uint64 {
	v, n := binary.Uvarint(r.bytes)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.skip(n)
	return v
}

func (r *recordReader) readTime() time.Time {
	v, n := binary.Varint(r.bytes)
	if n <= 0 {
		r.fail()
		return time.Time{}
	}
	r.skip(n)
	return time.Unix(v, 0).UTC()
}

// readLen reads a length, which is never more than the bytes that are left: no
// element is shorter than one.
func (r *recordReader) readLen() int {
	n := r.readUvarint()
	if n > uint64(len(r.bytes)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *recordReader) readText() string {
	n := r.readLen()
	text := r.text[:n]
	r.skip(n)
	return text
}

func (r *recordReader) readTexts() []string {
	n := r.readLen()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = r.readText()
	}
	return list
}

// jsonRecord is how releases before this form of record wrote a session. Their
// tokens are good for 36 hours at most.
type jsonRecord struct {
	ID             string              `json:"id"`
	AccessKeyID    string              `json:"key"`
	Account        string              `json:"acct"`
	Role           string              `json:"role"`
	RoleID         string              `json:"roleId"`
	Name           string              `json:"name"`
	User           string              `json:"user"`
	OwnerID        string              `json:"owner"`
	Provider       string              `json:"provider"`
	Keys           map[string][]string `json:"keys"`
	Tags           map[string]string   `json:"tags"`
	TransitiveTags []string            `json:"transitive"`
	SourceIdentity string              `json:"source"`
	Policies       []string            `json:"policies"`
	PolicyARNs     []string            `json:"policyArns"`
	Guest          bool                `json:"guest"`
	Issued         time.Time           `json:"iat"`
	Expires        time.Time           `json:"exp"`
}

func parseJSONRecord(b []byte) (Session, error) {
	var r jsonRecord
	if err := json.Unmarshal(b, &r); err != nil {
		return Session{}, errRecord
	}
	return Session(r), nil
}
