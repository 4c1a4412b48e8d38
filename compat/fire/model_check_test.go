package fire

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// call is a call for a history that is written by hand: it begins and ends at
// the times given.
func call(begin, end int64, in input, out output) porcupine.Operation {
	in.nth = int(begin)
	return porcupine.Operation{Input: in, Output: out, Call: begin, Return: end}
}

// TestModel: the checker takes what can happen, and finds what must not.
func TestModel(t *testing.T) {
	t.Parallel()
	const a, b, c mask = 1, 2, 4
	lost := output{unknown: true}
	for name, test := range map[string]struct {
		history []porcupine.Operation
		want    bool
	}{
		"two first sign-ins at once": {[]porcupine.Operation{
			call(1, 4, input{kind: signIn, logins: a}, output{id: "1"}),
			call(2, 3, input{kind: signIn, logins: a}, output{id: "1"}),
		}, true},
		"two identities": {[]porcupine.Operation{
			call(1, 4, input{kind: signIn, logins: a}, output{id: "1"}),
			call(2, 3, input{kind: signIn, logins: a}, output{id: "2"}),
		}, false},
		"an identity lost": {[]porcupine.Operation{
			call(1, 2, input{kind: signIn, logins: a}, output{id: "1"}),
			call(3, 4, input{kind: audit}, output{stored: person{{id: "2", logins: a}}}),
		}, false},
		"a link lost": {[]porcupine.Operation{
			call(1, 2, input{kind: signIn, logins: a}, output{id: "1"}),
			call(3, 4, input{kind: resume, id: "1", logins: a | b}, output{id: "1"}),
			call(5, 6, input{kind: look, id: "1"}, output{logins: a}),
		}, false},
		"a link half seen": {[]porcupine.Operation{
			call(1, 9, input{kind: signIn, logins: a | b}, output{id: "1"}),
			call(2, 3, input{kind: look, id: "1"}, output{logins: a}),
		}, false},
		"a guest lost": {[]porcupine.Operation{
			call(1, 2, input{kind: guest}, output{id: "1"}),
			call(3, 4, input{kind: resume, id: "1"}, output{refused: notFound}),
		}, false},
		"an unlinked login that comes back": {[]porcupine.Operation{
			call(1, 2, input{kind: signIn, logins: a | b}, output{id: "1"}),
			call(3, 4, input{kind: unlink, id: "1", logins: a, away: b}, output{}),
			call(5, 6, input{kind: signIn, logins: b}, output{id: "1"}),
		}, false},
		"an unlinked login signs in anew": {[]porcupine.Operation{
			call(1, 2, input{kind: signIn, logins: a | b}, output{id: "1"}),
			call(3, 4, input{kind: unlink, id: "1", logins: a, away: b}, output{}),
			call(5, 6, input{kind: signIn, logins: b}, output{id: "2"}),
		}, true},
		"the older stays": {[]porcupine.Operation{
			call(1, 2, input{kind: signIn, logins: a}, output{id: "1"}),
			call(3, 4, input{kind: signIn, logins: b}, output{id: "2"}),
			call(5, 6, input{kind: signIn, logins: a | b | c}, output{id: "1"}),
			call(7, 8, input{kind: resume, id: "2", logins: b}, output{refused: forbidden}),
			call(9, 10, input{kind: audit}, output{stored: person{{id: "1", logins: a | b | c}, {id: "2", disabled: true}}}),
		}, true},
		"the younger stays": {[]porcupine.Operation{
			call(1, 2, input{kind: signIn, logins: a}, output{id: "1"}),
			call(3, 4, input{kind: signIn, logins: b}, output{id: "2"}),
			call(5, 6, input{kind: signIn, logins: a | b}, output{id: "2"}),
		}, false},
		"a disabled identity lives": {[]porcupine.Operation{
			call(1, 2, input{kind: signIn, logins: a}, output{id: "1"}),
			call(3, 4, input{kind: guest}, output{id: "2"}),
			call(5, 6, input{kind: resume, id: "2", logins: a}, output{id: "1"}),
			call(7, 8, input{kind: resume, id: "2"}, output{id: "2"}),
		}, false},
		"not answered, and done": {[]porcupine.Operation{
			call(1, forever, input{kind: signIn, logins: a}, lost),
			call(2, 3, input{kind: signIn, logins: b}, output{id: "2"}),
			call(4, 5, input{kind: signIn, logins: a | b}, output{id: "1"}),
			call(6, 7, input{kind: look, id: "1"}, output{logins: a | b}),
		}, true},
		"not answered, and not done": {[]porcupine.Operation{
			call(1, forever, input{kind: unlink, id: "1", logins: a, away: a}, lost),
			call(2, 3, input{kind: signIn, logins: a}, output{id: "1"}),
			call(4, 5, input{kind: look, id: "1"}, output{logins: a}),
		}, true},
		"not answered, done and undone": {[]porcupine.Operation{
			call(1, 2, input{kind: signIn, logins: a}, output{id: "1"}),
			call(3, forever, input{kind: resume, id: "1", logins: a | b}, lost),
			call(4, 5, input{kind: look, id: "1"}, output{logins: a | b}),
			call(6, 7, input{kind: look, id: "1"}, output{logins: a}),
		}, false},
		"not answered, and in the tables": {[]porcupine.Operation{
			call(1, forever, input{kind: signIn, logins: a}, lost),
			call(2, 3, input{kind: audit}, output{stored: person{{id: "7", logins: a}}}),
		}, true},
		"deleted": {[]porcupine.Operation{
			call(1, 2, input{kind: signIn, logins: a}, output{id: "1"}),
			call(3, 4, input{kind: remove, id: "1"}, output{}),
			call(5, 6, input{kind: look, id: "1"}, output{refused: notFound}),
			call(7, 8, input{kind: audit}, output{}),
		}, true},
		"deleted, and in the tables": {[]porcupine.Operation{
			call(1, 2, input{kind: signIn, logins: a}, output{id: "1"}),
			call(3, 4, input{kind: remove, id: "1"}, output{}),
			call(5, 6, input{kind: audit}, output{stored: person{{id: "1", logins: a}}}),
		}, false},
	} {
		if got := porcupine.CheckOperationsTimeout(model, test.history, time.Minute) == porcupine.Ok; got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}
