package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep a document may be nested. The policy language needs 7.
const maxDepth = 16

// object is a JSON object with its members in the order of the text.
type object []member

type member struct {
	name  string
	value any // object, []any, string, json.Number, bool or nil
}

// readJSON reads one JSON value strictly: no member twice in an object, no
// invalid UTF-8, no lone surrogate, nothing after the value, bounded depth.
func readJSON(text string) (any, error) {
	if !json.Valid([]byte(text)) {
		return nil, errors.New("not JSON")
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return readValue(d, 0)
}

func readValue(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth == maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return readObject(d, depth)
		}
		list := []any{}
		for d.More() {
			v, err := readValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token() // the closing bracket
		return list, err
	case string:
		// The decoder puts U+FFFD in the place of what is none.
		if strings.ContainsRune(t, utf8.RuneError) {
			return nil, errors.New("invalid UTF-8, a lone surrogate, or U+FFFD")
		}
	}
	return t, nil
}

func readObject(d *json.Decoder, depth int) (any, error) {
	o, seen := object{}, map[string]bool{}
	for d.More() {
		name, err := readValue(d, depth)
		if err != nil {
			return nil, err
		}
		if seen[name.(string)] {
			return nil, fmt.Errorf("member %.64q twice", name)
		}
		seen[name.(string)] = true
		v, err := readValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		o = append(o, member{name.(string), v})
	}
	_, err := d.Token() // the closing brace
	return o, err
}

// get is the value of a member.
func (o object) get(name string) (any, bool) {
	i := slices.IndexFunc(o, func(m member) bool { return m.name == name })
	if i < 0 {
		return nil, false
	}
	return o[i].value, true
}
