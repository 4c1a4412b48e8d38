package oidc

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth bounds how deeply JSON from strangers nests.
const maxDepth = 64

// object is a JSON object as it was written: its values are nil, bool, string,
// json.Number (the digits as the issuer wrote them), []any and map[string]any.
type object map[string]any

// readObject reads exactly one JSON object that a stranger wrote: a token's
// header or claims, a discovery document, a key set. Names are exact. A
// duplicate member at any depth, invalid UTF-8, a lone surrogate, nesting
// beyond maxDepth and anything after the object are errors (RFC 7493), because
// two readers could understand them differently.
func readObject(text []byte) (object, error) {
	var o object
	if err := jsonv2.Unmarshal(text, &o); err != nil {
		return nil, fmt.Errorf("JSON: %.160q", err.Error()) // it may quote the text
	}
	return o, nil
}

// UnmarshalJSONFrom implements [jsonv2.UnmarshalerFrom].
func (o *object) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := readValue(dec)
	if err != nil {
		return err
	}
	is := false
	if *o, is = v.(map[string]any); !is {
		return errors.New("not a JSON object")
	}
	return nil
}

func readValue(dec *jsontext.Decoder) (any, error) {
	tok, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	if dec.StackDepth() > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch tok.Kind() {
	case 't', 'f':
		return tok.Bool(), nil
	case '"':
		return tok.String(), nil
	case '0':
		return json.Number(tok.String()), nil
	case '{':
		o := map[string]any{}
		for dec.PeekKind() != '}' {
			tok, err := dec.ReadToken()
			if err != nil {
				return nil, err
			}
			name := tok.String() // before the next token is read into the same place
			if o[name], err = readValue(dec); err != nil {
				return nil, err
			}
		}
		_, err := dec.ReadToken()
		return o, err
	case '[':
		list := []any{}
		for dec.PeekKind() != ']' {
			item, err := readValue(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err := dec.ReadToken()
		return list, err
	}
	return nil, nil // null
}

// text returns a member that must be a string if it is there.
func (o object) text(name string) (string, error) {
	v, ok := o[name]
	if !ok {
		return "", nil
	}
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("%s is not a string", name)
	}
	return s, nil
}

var base64url = base64.RawURLEncoding.Strict()

// decode64 reads base64url without padding (RFC 7515, 2). The standard library
// would pass over line breaks, and without Strict over stray bits at the end.
func decode64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("line break in base64url")
	}
	return base64url.DecodeString(text)
}
