package compat

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"idpool/internal/wire"
)

// byName calls an operation by its name: "iam:GetOpenIDConnectProvider". Its
// input has the given members, and of the rest those that must be there, with
// some value that fits. So a test can go over operations that it does not know.
func (c clients) byName(t *testing.T, name string, given map[string]any) (any, error) {
	t.Helper()
	service, op, _ := strings.Cut(name, ":")
	client := map[string]any{"cognito-identity": c.cognito, "sts": c.sts, "iam": c.iam}[service]
	method := reflect.ValueOf(client).MethodByName(op)
	if !method.IsValid() {
		t.Fatalf("the SDK has no %s", name)
	}
	in := reflect.New(method.Type().In(1).Elem())
	for _, m := range registered[name].Shape {
		field := in.Elem().FieldByName(exported(m.Name))
		if !field.IsValid() {
			t.Fatalf("the SDK's input of %s has no %s", name, m.Name)
		}
		if v := reflect.ValueOf(given[m.Name]); v.IsValid() && v.CanConvert(indirect(field.Type())) { // services differ in what a member is
			put(field, v)
		} else if m.Required {
			put(field, some(m.Shape, indirect(field.Type()), m.Name))
		}
	}
	ctx := reflect.ValueOf(context.Context(t.Context()))
	out := method.Call([]reflect.Value{ctx, in})
	err, _ := out[1].Interface().(error)
	return out[0].Interface(), err
}

// put sets a field of the SDK's, which may be a pointer.
func put(field, v reflect.Value) {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	field.Set(v.Convert(field.Type()))
}

// some is a value that fits a shape.
func some(shape wire.Shape, t reflect.Type, name string) reflect.Value {
	v := reflect.New(t).Elem()
	switch s := shape.(type) {
	case wire.Str:
		switch {
		case strings.Contains(strings.TrimPrefix(name, "Identity"), "Id"): // IdentityPoolId, IdentityIdsToDelete
			v.SetString(nowhere)
		case len(s.Enum) > 0:
			v.SetString(s.Enum[0])
		default:
			v.SetString(letters(max(20, s.Min)))
		}
	case wire.Int:
		v.SetInt(s.Min)
	case wire.Long:
		v.SetInt(s.Min)
	case wire.List:
		v.Set(reflect.MakeSlice(t, 0, 1))
		for range s.Min {
			v.Set(reflect.Append(v, some(s.Of, t.Elem(), name)))
		}
	case wire.Map:
		v.Set(reflect.MakeMap(t))
	}
	return v
}
