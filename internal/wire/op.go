package wire

import (
	"context"
	"reflect"

	"idpool/internal/idpool"
)

// Op is one named operation of a service.
type Op struct {
	Name   string
	Public bool   // needs no signature
	Shape  Struct // of the input
	// In and Out are what its function takes and returns: for those who
	// compare them with the shape, or with a client's types.
	In, Out reflect.Type
	// Errors are the kinds of failure that the service model declares.
	Errors []idpool.Kind
	// resource names what a caller needs permission for.
	resource Resource
	call     func(ctx context.Context, caller idpool.Caller, in *value) (any, error)
}

// Resource names the ARN that a caller needs permission for, from the text
// members of the input.
type Resource func(caller idpool.Caller, text func(member string) string) string

// Raises declares the kinds of failure of an operation.
func (o Op) Raises(kinds ...idpool.Kind) Op {
	o.Errors = kinds
	return o
}

// On says which resource a signed operation works on. Without it, that is any:
// "*".
func (o Op) On(r Resource) Op {
	o.resource = r
	return o
}

// ResourceOf is the resource of one request, from the text members of its
// input.
func (o Op) ResourceOf(caller idpool.Caller, text func(member string) string) string {
	if o.resource == nil {
		return "*"
	}
	return o.resource(caller, text)
}

// Input is an input that fits its shape, for those who look at it before the
// operation does.
type Input struct{ v value }

// Text is a text member; empty if it is absent.
func (i Input) Text(member string) string { return i.v.at(member).text }

// Texts is a member that is a list of texts.
func (i Input) Texts(member string) []string {
	var out []string
	for _, item := range i.v.at(member).items {
		out = append(out, item.text)
	}
	return out
}

// Tags is a member that holds tags: a map of texts, or a list of structures with
// Key and Value.
func (i Input) Tags(member string) map[string]string {
	tags := map[string]string{}
	v := i.v.at(member)
	for _, m := range v.members {
		tags[m.name] = m.value.text
	}
	for _, item := range v.items {
		tags[item.at("Key").text] = item.at("Value").text
	}
	return tags
}

// Empty is the output of an operation that answers with no body at all; an
// operation whose answer is "{}" returns struct{}.
type Empty struct{}

// Public makes an operation that needs no signature. Its function gets no
// caller, so it cannot depend on one.
func Public[In, Out any](name string, shape Struct, fn func(context.Context, In) (Out, error)) Op {
	decode := decoderFor[In]()
	return Op{Name: name, Public: true, Shape: shape, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](), call: func(ctx context.Context, _ idpool.Caller, v *value) (any, error) {
		in, err := decode(v)
		if err != nil {
			return nil, err
		}
		return fn(ctx, in)
	}}
}

// Signed makes an operation for verified callers.
func Signed[In, Out any](name string, shape Struct, fn func(context.Context, idpool.Caller, In) (Out, error)) Op {
	decode := decoderFor[In]()
	return Op{Name: name, Shape: shape, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](), call: func(ctx context.Context, caller idpool.Caller, v *value) (any, error) {
		in, err := decode(v)
		if err != nil {
			return nil, err
		}
		return fn(ctx, caller, in)
	}}
}
