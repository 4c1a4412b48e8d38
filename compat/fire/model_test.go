package fire

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// identity is one of a person's identities, as the model knows it. One that a
// call made whose answer never came has a name that starts with "?", until
// somebody hears its ID.
type identity struct {
	id       string
	logins   mask
	disabled bool
}

func (i identity) nameless() bool { return strings.HasPrefix(i.id, "?") }
func (i identity) guest() bool    { return i.logins == 0 && !i.disabled }

// mask is a set of logins of a person, who has one at each provider.
type mask uint8

const everything mask = 1<<providers - 1

// person is the state of the model: all identities of one person, by ID.
type person []identity

// kind is what a call does.
type kind int

const (
	signIn kind = iota // GetId with logins
	guest              // GetId without
	resume             // GetCredentialsForIdentity
	unlink             // UnlinkIdentity
	remove             // DeleteIdentities
	look               // DescribeIdentity
	audit              // reads the tables; not a call
)

// input is a call.
type input struct {
	kind   kind
	id     string // but for signIn and guest
	logins mask   // presented
	away   mask   // unlink: to remove
	nth    int    // of all calls
}

// output is its answer.
type output struct {
	unknown bool   // there was none
	refused string // the code of the refusal
	id      string // signIn, guest, resume
	logins  mask   // look
	stored  person // audit
}

// The codes of the refusals that can happen.
const (
	forbidden = "NotAuthorizedException"
	notFound  = "ResourceNotFoundException"
)

// model is what porcupine checks a person's history with.
var model = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{person(nil)} },
	Step: func(state, in, out any) []any {
		var next []any
		for _, p := range state.(person).step(in.(input), out.(output)) {
			next = append(next, p)
		}
		return next
	},
	Equal: func(a, b any) bool { return slices.Equal(a.(person), b.(person)) },
	DescribeOperation: func(in, out any) string {
		return fmt.Sprint(in, " ", out)
	},
}).ToModel()

// step returns the states that a call may lead to, given its answer; none if it
// cannot have been answered so.
func (p person) step(in input, out output) []person {
	switch in.kind {
	case guest:
		switch {
		case out.unknown: // nobody knows it
			return []person{p}
		case out.refused != "" || p.find(out.id) != nil:
			return nil
		}
		return []person{p.with(identity{id: out.id})}
	case signIn:
		return p.signIn(in, out)
	case audit:
		return p.audit(out.stored)
	}
	named := p.find(in.id)
	switch {
	case in.kind == remove:
		return when(out, "", p.without(in.id))
	case named == nil:
		return when(out, notFound, p)
	case in.kind == look:
		if !out.unknown && out.logins != named.logins {
			return nil
		}
		return when(out, "", p)
	case in.kind == unlink:
		return p.unlink(*named, in, out)
	}
	return p.resume(*named, in, out)
}

// when is the next state, if the answer has the code that is due.
func when(out output, code string, next person) []person {
	if !out.unknown && out.refused != code {
		return nil
	}
	return []person{next}
}

func (p person) signIn(in input, out output) []person {
	owners := p.owners(in.logins)
	if len(owners) > 0 {
		return p.merge(oldest(owners), owners, in.logins, out)
	}
	fresh := identity{id: fmt.Sprint("?", in.nth), logins: in.logins}
	if !out.unknown {
		if fresh.id = out.id; out.refused != "" || p.find(out.id) != nil {
			return nil
		}
	}
	return []person{p.with(fresh)}
}

func (p person) resume(named identity, in input, out output) []person {
	switch {
	case named.disabled, in.logins == 0 && !named.guest(), !named.guest() && named.logins&in.logins == 0:
		return when(out, forbidden, p)
	case in.logins == 0:
		return p.merge([]identity{named}, nil, 0, out)
	}
	owners := p.owners(in.logins)
	if named.guest() && len(owners) > 0 { // whoever has logins stays; a guest does not
		return p.merge(oldest(owners), append(owners, named), in.logins, out)
	}
	return p.merge([]identity{named}, owners, in.logins, out)
}

func (p person) unlink(named identity, in input, out output) []person {
	if named.disabled || named.logins&in.logins == 0 {
		return when(out, forbidden, p)
	}
	named.logins &^= in.away
	named.disabled = named.logins == 0
	return when(out, "", p.without(named.id).with(named))
}

// merge folds identities into one of the parents, with more logins.
func (p person) merge(parents, folded []identity, logins mask, out output) (next []person) {
	for _, parent := range parents {
		q := p.without(parent.id)
		for _, f := range folded {
			logins |= f.logins
			if f.id != parent.id {
				q = q.without(f.id).with(identity{id: f.id, disabled: true})
			}
		}
		parent.logins |= logins
		if !out.unknown && parent.nameless() && q.find(out.id) == nil {
			parent.id = out.id
		}
		if out.unknown || out.refused == "" && out.id == parent.id {
			next = append(next, q.with(parent))
		}
	}
	return next
}

// audit compares with the tables: every identity is there as it should be, and
// no other has a login of this person.
func (p person) audit(stored person) []person {
	for _, i := range p {
		same := func(s identity) bool { return s == i }
		if i.nameless() { // found by its logins, if it still has any
			same = func(s identity) bool {
				return s.logins == i.logins && s.disabled == i.disabled && p.find(s.id) == nil
			}
		}
		if !slices.ContainsFunc(stored, same) && !(i.nameless() && i.logins == 0) {
			return nil
		}
	}
	for _, s := range stored {
		owned := func(i identity) bool { return i.logins == s.logins }
		if s.logins != 0 && !slices.ContainsFunc(p, owned) || s.logins == 0 && p.find(s.id) == nil {
			return nil
		}
	}
	return []person{p}
}

// owners are the identities that logins lead to.
func (p person) owners(logins mask) (owners []identity) {
	for _, i := range p {
		if i.logins&logins != 0 {
			owners = append(owners, i)
		}
	}
	return owners
}

// oldest are those of some identities that may be the oldest. IDs are ordered by
// time.
func oldest(all []identity) (may []identity) {
	known := false
	for _, i := range all { // in the order of their IDs
		if !known || i.nameless() {
			may = append(may, i)
		}
		known = known || !i.nameless()
	}
	return may
}

func (p person) find(id string) *identity {
	for n := range p {
		if p[n].id == id {
			return &p[n]
		}
	}
	return nil
}

// with and without leave the state as it is: others look at it, too.
func (p person) with(i identity) person {
	q := append(slices.Clone(p), i)
	slices.SortFunc(q, func(a, b identity) int { return strings.Compare(a.id, b.id) })
	return q
}

func (p person) without(id string) person {
	return slices.DeleteFunc(slices.Clone(p), func(i identity) bool { return i.id == id })
}

func (i input) String() string {
	return fmt.Sprintf("%s %s %03b -%03b", [...]string{"sign in", "guest", "resume", "unlink", "delete", "look", "tables"}[i.kind], i.id, i.logins, i.away)
}

func (o output) String() string {
	if o.unknown {
		return "→ ?"
	}
	return fmt.Sprintf("→ %s%s %03b %v", o.id, o.refused, o.logins, o.stored)
}
