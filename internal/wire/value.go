package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth bounds how deeply a request nests. The deepest real input, a rule
// of a role mapping, has six levels.
const maxDepth = 64

// value is a parsed input: JSON, or a form flattened to the same tree.
type value struct {
	kind    jsontext.Kind // 'n' 'f' 't' '"' '0' '{' '['; 0: absent
	text    string        // of a string, or the literal of a number
	members []member      // of an object, in the order given
	items   []value       // of an array
}

type member struct {
	name  string
	value value
}

func (v value) present() bool { return v.kind != 0 && v.kind != 'n' }

// at returns a member of an object; the zero value if it is not there.
func (v value) at(name string) value {
	for i := range v.members {
		if v.members[i].name == name {
			return v.members[i].value
		}
	}
	return value{}
}

// parseJSON reads exactly one JSON object. Duplicate members, invalid UTF-8,
// lone surrogates and nesting beyond maxDepth are errors (RFC 7493).
func parseJSON(body []byte) (value, error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(body))
	if dec.PeekKind() != '{' {
		return value{}, errors.New("not a JSON object")
	}
	v, err := parseValue(dec)
	if err != nil {
		return value{}, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return value{}, errors.New("data after the JSON object")
	}
	return v, nil
}

func parseValue(dec *jsontext.Decoder) (value, error) {
	tok, err := dec.ReadToken()
	if err != nil {
		return value{}, err
	}
	if dec.StackDepth() > maxDepth {
		return value{}, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	v := value{kind: tok.Kind()}
	switch v.kind {
	case '"', '0':
		v.text = tok.String()
	case '{':
		for dec.PeekKind() != '}' {
			name, err := dec.ReadToken()
			if err != nil {
				return value{}, err
			}
			m := member{name: name.String()}
			if m.value, err = parseValue(dec); err != nil {
				return value{}, err
			}
			v.members = append(v.members, m)
		}
		_, err = dec.ReadToken()
	case '[':
		for dec.PeekKind() != ']' {
			item, err := parseValue(dec)
			if err != nil {
				return value{}, err
			}
			v.items = append(v.items, item)
		}
		_, err = dec.ReadToken()
	}
	return v, err
}

// appendJSON writes the tree back as JSON.
func (v value) appendJSON(b []byte) []byte {
	switch v.kind {
	case 't':
		return append(b, "true"...)
	case 'f':
		return append(b, "false"...)
	case '0':
		return append(b, v.text...)
	case '"':
		b, _ = jsontext.AppendQuote(b, v.text) // fails only on invalid UTF-8, which parsing refused
		return b
	case '{':
		b = append(b, '{')
		for i, m := range v.members {
			if i > 0 {
				b = append(b, ',')
			}
			b, _ = jsontext.AppendQuote(b, m.name)
			b = m.value.appendJSON(append(b, ':'))
		}
		return append(b, '}')
	case '[':
		b = append(b, '[')
		for i, item := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.appendJSON(b)
		}
		return append(b, ']')
	}
	return append(b, "null"...)
}

// maxPrinted bounds how much of a value a message echoes, in bytes.
const maxPrinted = 2048

// print shows a value in a validation message as the hosted service does
// (behaviour 1.7), without anything sensitive.
func (v value) print(shape Shape) string {
	var b strings.Builder
	v.printTo(&b, shape)
	if b.Len() > maxPrinted {
		return strings.ToValidUTF8(b.String()[:maxPrinted], "") + "..."
	}
	return b.String()
}

func (v value) printTo(b *strings.Builder, shape Shape) {
	if b.Len() > maxPrinted {
		return
	}
	switch v.kind {
	case 't':
		b.WriteString("true")
	case 'f':
		b.WriteString("false")
	case '0':
		b.WriteString(v.text)
	case '"':
		if s, ok := shape.(Str); !ok || !s.Sensitive {
			b.WriteString(v.text)
		}
	case '[':
		of, _ := shape.(List)
		b.WriteByte('[')
		for i, item := range v.items {
			if i > 0 {
				b.WriteString(", ")
			}
			item.printTo(b, of.Of)
		}
		b.WriteByte(']')
	case '{':
		b.WriteByte('{')
		for i, m := range v.sorted() {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(m.name)
			b.WriteByte('=')
			switch s := shape.(type) {
			case Map:
				m.value.printTo(b, s.Value)
			case Struct:
				m.value.printTo(b, s.shapeOf(m.name))
			}
		}
		b.WriteByte('}')
	default:
		b.WriteString("null")
	}
}

// sorted returns the members by name, so that the same request gets the same
// message.
func (v value) sorted() []member {
	byName := func(a, b member) int { return strings.Compare(a.name, b.name) }
	if slices.IsSortedFunc(v.members, byName) {
		return v.members
	}
	return slices.SortedFunc(slices.Values(v.members), byName)
}
