package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

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
func parseJSON(body []byte) (v value, err error) {
	p := parsers.Get().(*parser)
	defer parsers.Put(p)
	p.reset(body)
	defer p.reset(nil) // the body holds tokens, and can be long
	if p.dec.PeekKind() != '{' {
		return value{}, errors.New("not a JSON object")
	}
	if err := p.read(&v); err != nil {
		return value{}, err
	}
	if _, err := p.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return value{}, errors.New("data after the JSON object")
	}
	return v, nil
}

// parser is a decoder, which is made to be used again, and what it reads.
type parser struct {
	dec  jsontext.Decoder
	from bytes.Buffer
	body string // the same; strings without escapes are parts of it
}

var parsers = sync.Pool{New: func() any { return new(parser) }}

func (p *parser) reset(body []byte) {
	p.from, p.body = *bytes.NewBuffer(body), string(body)
	p.dec.Reset(&p.from)
}

// read reads the next value.
func (p *parser) read(v *value) (err error) {
	v.kind = p.dec.PeekKind()
	switch v.kind {
	case '"':
		v.text, err = p.text()
		return err
	case '0':
		v.text, err = p.literal()
		return err
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	if p.dec.StackDepth() > maxDepth {
		return fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch v.kind {
	case '{':
		for p.dec.PeekKind() != '}' {
			name, err := p.text()
			if err != nil {
				return err
			}
			v.members = append(v.members, member{name: name})
			if err := p.read(&v.members[len(v.members)-1].value); err != nil {
				return err
			}
		}
		_, err = p.dec.ReadToken()
	case '[':
		for p.dec.PeekKind() != ']' {
			v.items = append(v.items, value{})
			if err := p.read(&v.items[len(v.items)-1]); err != nil {
				return err
			}
		}
		_, err = p.dec.ReadToken()
	}
	return err
}

// maxShared is how long a body may be for its strings to be parts of it. Whoever
// keeps one keeps the whole body, and some are kept long: the ID of a pool, what
// waits to be sent to a collector of traces.
const maxShared = 4 << 10

// literal reads a string or a number as it is written.
func (p *parser) literal() (string, error) {
	written, err := p.dec.ReadValue()
	end := int(p.dec.InputOffset())
	text := p.body[end-len(written) : end]
	if len(p.body) > maxShared {
		text = strings.Clone(text)
	}
	return text, err
}

// text reads a string.
func (p *parser) text() (string, error) {
	quoted, err := p.literal()
	if err != nil {
		return "", err
	}
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], nil
	}
	text, err := jsontext.AppendUnquote(nil, quoted)
	return string(text), err
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
