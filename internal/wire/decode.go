package wire

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// A decoder puts a value that is present into a variable. It is made once for each
// type of input, and reads the tree that was checked: what an operation gets is
// what its shape let pass.
type decoder func(v *value, to reflect.Value) error

// decoderFor makes the decoder of an input. If it fails, shape and type have
// drifted apart: our fault.
func decoderFor[In any]() func(v *value) (In, error) {
	decode := decoderOf(reflect.TypeFor[In]())
	return func(v *value) (in In, err error) {
		if err := decode(v, reflect.ValueOf(&in).Elem()); err != nil {
			return in, fmt.Errorf("decode %T: %w", in, err)
		}
		return in, nil
	}
}

// decoderOf knows the types that inputs are made of, and no others.
func decoderOf(t reflect.Type) decoder {
	switch t.Kind() {
	case reflect.String:
		return func(v *value, to reflect.Value) error {
			if v.kind != '"' {
				return v.misfit(t)
			}
			to.SetString(v.text)
			return nil
		}
	case reflect.Bool:
		return func(v *value, to reflect.Value) error {
			if v.kind != 't' && v.kind != 'f' {
				return v.misfit(t)
			}
			to.SetBool(v.kind == 't')
			return nil
		}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return func(v *value, to reflect.Value) error {
			n, err := strconv.ParseInt(v.text, 10, t.Bits())
			if v.kind != '0' || err != nil {
				return v.misfit(t)
			}
			to.SetInt(n)
			return nil
		}
	case reflect.Pointer:
		decode := decoderOf(t.Elem())
		return func(v *value, to reflect.Value) error {
			to.Set(reflect.New(t.Elem()))
			return decode(v, to.Elem())
		}
	case reflect.Slice:
		return sliceDecoder(t)
	case reflect.Map:
		if t == reflect.TypeFor[map[string]string]() {
			return decodeTexts
		}
		return mapDecoder(t)
	case reflect.Struct:
		return structDecoder(t)
	}
	panic(fmt.Sprintf("wire: an input cannot hold a %s", t))
}

func (v *value) misfit(t reflect.Type) error {
	return fmt.Errorf("%s where a %s belongs", v.kind, t)
}

func sliceDecoder(t reflect.Type) decoder {
	decode := decoderOf(t.Elem())
	return func(v *value, to reflect.Value) error {
		if v.kind != '[' {
			return v.misfit(t)
		}
		to.Set(reflect.MakeSlice(t, len(v.items), len(v.items)))
		for i := range v.items {
			if !v.items[i].present() {
				continue
			}
			if err := decode(&v.items[i], to.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

func mapDecoder(t reflect.Type) decoder {
	decode := decoderOf(t.Elem())
	return func(v *value, to reflect.Value) error {
		if v.kind != '{' {
			return v.misfit(t)
		}
		to.Set(reflect.MakeMapWithSize(t, len(v.members)))
		for i := range v.members {
			m, elem := &v.members[i], reflect.New(t.Elem()).Elem()
			if m.value.present() {
				if err := decode(&m.value, elem); err != nil {
					return err
				}
			}
			to.SetMapIndex(reflect.ValueOf(m.name).Convert(t.Key()), elem)
		}
		return nil
	}
}

// decodeTexts is mapDecoder for the map that most requests have: that of logins.
func decodeTexts(v *value, to reflect.Value) error {
	if v.kind != '{' {
		return v.misfit(to.Type())
	}
	texts := make(map[string]string, len(v.members))
	for i := range v.members {
		m := &v.members[i]
		if m.value.present() && m.value.kind != '"' {
			return m.value.misfit(reflect.TypeFor[string]())
		}
		texts[m.name] = m.value.text
	}
	to.Set(reflect.ValueOf(texts))
	return nil
}

func structDecoder(t reflect.Type) decoder {
	type field struct {
		name   string
		index  []int
		decode decoder
	}
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue // what it has is visible too
		}
		if !f.IsExported() {
			panic(fmt.Sprintf("wire: an input cannot hold a %s, which keeps %s to itself", t, f.Name))
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		fields = append(fields, field{name, f.Index, decoderOf(f.Type)})
	}
	return func(v *value, to reflect.Value) error {
		if v.kind != '{' {
			return v.misfit(t)
		}
		for i := range v.members {
			m := &v.members[i]
			if !m.value.present() {
				continue
			}
			for _, f := range fields { // a handful; a member that is unknown is ignored
				if f.name == m.name {
					if err := f.decode(&m.value, to.FieldByIndex(f.index)); err != nil {
						return err
					}
					break
				}
			}
		}
		return nil
	}
}
