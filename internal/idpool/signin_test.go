package idpool_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"idpool/internal/idpool"
)

// now is when the rule of a row runs: long after what it finds was made.
var now = start.Add(24 * time.Hour)

// people is a pool with identities that have names of one letter, written as
//
//	A: google:ann github:ann      with two logins
//	G:                            a guest
//	X! X>A                        disabled; merged into A
//	A*: google:ann                changed by the rule
type people struct {
	t     testing.TB
	store idpool.Store
	pool  idpool.Pool
	names map[idpool.IdentityID]string
}

// gather makes a pool with identities, each a second younger than the one
// before.
func gather(t testing.TB, store idpool.Store, change func(*idpool.Pool), have ...string) *people {
	t.Helper()
	p := &people{t: t, store: store, pool: createPool(t, store, change), names: map[idpool.IdentityID]string{}}
	update(t, store, func(ctx context.Context, w idpool.Writer) error {
		for i, text := range have {
			head, logins, _ := strings.Cut(text, ":")
			at := start.Add(time.Duration(i) * time.Second)
			id := idpool.Identity{ID: idpool.NewIdentityID("us-east-1", at), Pool: p.pool.ID, Logins: parseLogins(logins), Created: at, Modified: at}
			if name, ok := strings.CutSuffix(head, "!"); ok {
				head, id.Disabled = name, true
			}
			if name, parent, ok := strings.Cut(head, ">"); ok {
				head, id.Disabled, id.MergedInto = name, true, p.id(parent)
			}
			p.names[id.ID] = head
			if err := w.CreateIdentity(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
	return p
}

func parseLogins(text string) (logins []idpool.Login) {
	for word := range strings.FieldsSeq(text) {
		provider, subject, _ := strings.Cut(word, ":")
		logins = append(logins, idpool.Login{Provider: provider, Subject: subject})
	}
	idpool.SortLogins(logins)
	return logins
}

// id is the ID of a name, or one that nobody has.
func (p *people) id(name string) idpool.IdentityID {
	for id, n := range p.names {
		if n == name {
			return id
		}
	}
	return "us-east-1:00000000-0000-0000-0000-000000000000"
}

// show writes down every identity of the pool, and makes sure that logins and
// identities agree.
func (p *people) show() []string {
	p.t.Helper()
	var out []string
	err := p.store.View(context.Background(), func(r idpool.Reader) error {
		out = nil
		all, err := r.Identities(context.Background(), p.pool.ID, "", 1000)
		for _, i := range all {
			text := p.names[i.ID]
			switch {
			case i.MergedInto != "":
				text += ">" + p.names[i.MergedInto]
			case i.Disabled:
				text += "!"
			}
			if i.Modified.Equal(now) {
				text += "*"
			}
			if !i.Disabled {
				text += ":"
			}
			for _, l := range i.Logins {
				text += " " + l.Provider + ":" + l.Subject
				if owner, err := r.IdentityByLogin(context.Background(), p.pool.ID, l); err != nil || owner.ID != i.ID {
					p.t.Errorf("login %v of %s leads to %s (%v)", l, i.ID, owner.ID, err)
				}
			}
			out = append(out, text)
		}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// fresh draws the ID of an identity that may be made now, and calls it N.
func (p *people) fresh() idpool.IdentityID {
	id := idpool.NewIdentityID("us-east-1", now)
	p.names[id] = "N"
	return id
}

// row is one line of a decision table. Where an error is wanted nothing may
// change.
type row struct {
	name   string
	pool   func(*idpool.Pool)
	have   []string
	as     string // the identity named
	logins string // proved
	remove string // providers

	want    string // whose ID is answered
	outcome idpool.Outcome
	after   []string
	kind    idpool.Kind
	text    string
}

type rule func(ctx context.Context, p *people, r row) (idpool.Identity, idpool.Outcome, error)

func runTable(t *testing.T, rows []row, decide rule) {
	store := openStore(t)
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			p := gather(t, store, r.pool, r.have...)
			before := p.show()
			got, outcome, err := decide(t.Context(), p, r)
			after := p.show()
			if r.text != "" {
				wantError(t, err, r.kind, strings.ReplaceAll(strings.ReplaceAll(r.text, "ID", string(p.id(r.as))), "POOL", string(p.pool.ID)))
				if !slices.Equal(after, before) {
					t.Errorf("the refusal left %q, before it was %q", after, before)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.names[got.ID] != r.want || outcome != r.outcome {
				t.Errorf("answered %s, %s; want %s, %s", p.names[got.ID], outcome, r.want, r.outcome)
			}
			if !slices.Equal(after, r.after) {
				t.Errorf("left %q, want %q", after, r.after)
			}
			err = store.View(t.Context(), func(v idpool.Reader) error {
				stored, err := v.Identity(t.Context(), got.ID)
				if !got.Guest() { // whose Seen means nothing
					got.Seen, stored.Seen = time.Time{}, time.Time{}
				}
				if len(got.Logins) == 0 {
					got.Logins = nil
				}
				if got.Created.IsZero() && outcome == idpool.Found { // only what was asked for was read
					shown := parseLogins(r.logins)
					idpool.SortLogins(shown)
					stored = idpool.Identity{ID: stored.ID, Pool: stored.Pool, Logins: shown}
				}
				if !reflect.DeepEqual(got, stored) {
					t.Errorf("answered %+v, stored %+v", got, stored)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

const (
	guestsOff  = "Unauthenticated access is not supported for this identity pool."
	forbidden  = "Access to Identity 'ID' is forbidden."
	unknown    = "Identity 'ID' not found."
	noMatch    = "Logins don't match. Please include at least one valid login for this identity or identity pool."
	conflict   = "Logins are already linked to another account."
	poolGone   = "IdentityPool 'POOL' not found."
	publicOnly = "Please provide a valid public provider"
	manyLogins = "An identity can have at most 20 logins, not 21."
	nineteen   = "p01:x p02:x p03:x p04:x p05:x p06:x p07:x p08:x p09:x p10:x p11:x p12:x p13:x p14:x p15:x p16:x p17:x p18:x p19:x"
	fullHouse  = nineteen + " p20:x"
)

func guests(p *idpool.Pool)    { p.AllowUnauthenticated = true }
func developer(p *idpool.Pool) { p.DeveloperProviderName = "dev" }

// TestSignIn is the table of GetId (behaviour 3.1).
func TestSignIn(t *testing.T) {
	t.Parallel()
	runTable(t, []row{
		{name: "1 a guest", pool: guests, want: "N", outcome: idpool.Created, after: []string{"N*:"}},
		{name: "1 a guest beside guests", pool: guests, have: []string{"G:", "A: google:ann"}, want: "N", outcome: idpool.Created, after: []string{"G:", "A: google:ann", "N*:"}},
		{name: "2 no guests here", have: []string{"G:"}, kind: idpool.NotAuthorized, text: guestsOff},
		{name: "4 one new login", logins: "google:ann", want: "N", outcome: idpool.Created, after: []string{"N*: google:ann"}},
		{name: "4 several new logins", logins: "google:ann github:ann", have: []string{"A: google:bob"}, want: "N", outcome: idpool.Created, after: []string{"A: google:bob", "N*: github:ann google:ann"}},
		{name: "5 returning", logins: "google:ann", have: []string{"A: google:ann", "B: google:bob"}, want: "A", outcome: idpool.Found, after: []string{"A: google:ann", "B: google:bob"}},
		{name: "5 returning with one of two", logins: "github:ann", have: []string{"A: google:ann github:ann"}, want: "A", outcome: idpool.Found, after: []string{"A: github:ann google:ann"}},
		{name: "5 the rest is linked", logins: "google:ann github:ann", have: []string{"A: google:ann"}, want: "A", outcome: idpool.Linked, after: []string{"A*: github:ann google:ann"}},
		{name: "6 the oldest stays", logins: "google:ann github:ann", have: []string{"A: google:ann", "B: github:ann"}, want: "A", outcome: idpool.Merged, after: []string{"A*: github:ann google:ann", "B>A*"}},
		{name: "6 the oldest stays, whichever its name", logins: "google:ann github:ann", have: []string{"B: github:ann", "A: google:ann"}, want: "B", outcome: idpool.Merged, after: []string{"B*: github:ann google:ann", "A>B*"}},
		{name: "6 all their logins move", logins: "a:1 b:1", have: []string{"A: a:1 c:1", "B: b:1 d:1"}, want: "A", outcome: idpool.Merged, after: []string{"A*: a:1 b:1 c:1 d:1", "B>A*"}},
		{name: "6 three become one, and a new login comes too", logins: "a:1 b:1 c:1 d:1", have: []string{"A: a:1", "B: b:1", "C: c:1"}, want: "A", outcome: idpool.Merged, after: []string{"A*: a:1 b:1 c:1 d:1", "B>A*", "C>A*"}},
		{name: "7 a second person of a provider", logins: "google:bob github:ann", have: []string{"A: google:ann github:ann"}, kind: idpool.Conflict, text: conflict},
		{name: "7 a second person by merging", logins: "a:1 b:1", have: []string{"A: a:1 google:ann", "B: b:1 google:bob"}, kind: idpool.Conflict, text: conflict},
		{name: "8 of a disabled identity", logins: "google:ann", have: []string{"X!"}, want: "N", outcome: idpool.Created, after: []string{"X!", "N*: google:ann"}},
		{name: "subjects are compared byte by byte", logins: "google:Ann", have: []string{"A: google:ann"}, want: "N", outcome: idpool.Created, after: []string{"A: google:ann", "N*: google:Ann"}},
		{name: "providers are compared byte by byte", logins: "google:ann", have: []string{"A: googl:eann"}, want: "N", outcome: idpool.Created, after: []string{"A: googl:eann", "N*: google:ann"}},
		{name: "with logins guests may be off", logins: "google:ann", want: "N", outcome: idpool.Created, after: []string{"N*: google:ann"}},
		{name: "several developer users are no conflict", pool: developer, logins: "dev:1 google:ann", have: []string{"A: dev:1 dev:2"}, want: "A", outcome: idpool.Linked, after: []string{"A*: dev:1 dev:2 google:ann"}},
		{name: "twenty logins", logins: "p01:x p20:x", have: []string{"A: " + nineteen}, want: "A", outcome: idpool.Linked, after: []string{"A*: " + fullHouse}},
		{name: "twenty-one logins", logins: "p01:x p21:x", have: []string{"A: " + fullHouse}, kind: idpool.Conflict, text: manyLogins},
	}, func(ctx context.Context, p *people, r row) (idpool.Identity, idpool.Outcome, error) {
		return idpool.SignIn(ctx, p.store, p.pool, parseLogins(r.logins), p.fresh(), now)
	})
}

// TestResume is the table of the calls that carry an IdentityId (behaviour 3.2).
func TestResume(t *testing.T) {
	t.Parallel()
	runTable(t, []row{
		{name: "1 unknown", pool: guests, as: "U", kind: idpool.NotFound, text: unknown},
		{name: "1 unknown, with a login of somebody", pool: guests, as: "U", logins: "google:ann", have: []string{"A: google:ann"}, kind: idpool.NotFound, text: unknown},
		{name: "2 a guest", pool: guests, as: "G", have: []string{"G:"}, want: "G", outcome: idpool.Found, after: []string{"G:"}},
		{name: "2 a guest, guests off by now", as: "G", have: []string{"G:"}, kind: idpool.NotAuthorized, text: guestsOff},
		{name: "3 a guest signs in", pool: guests, as: "G", logins: "google:ann github:ann", have: []string{"G:"}, want: "G", outcome: idpool.Linked, after: []string{"G*: github:ann google:ann"}},
		{name: "3 a guest signs in, guests off by now", as: "G", logins: "google:ann", have: []string{"G:"}, want: "G", outcome: idpool.Linked, after: []string{"G*: google:ann"}},
		{name: "4 a guest is somebody known", pool: guests, as: "G", logins: "google:ann", have: []string{"G:", "B: google:ann"}, want: "B", outcome: idpool.Merged, after: []string{"G>B*", "B*: google:ann"}},
		{name: "4 a guest is somebody known, with a new login", pool: guests, as: "G", logins: "google:ann x:1", have: []string{"G:", "B: google:ann"}, want: "B", outcome: idpool.Merged, after: []string{"G>B*", "B*: google:ann x:1"}},
		{name: "4 a guest is two known ones", pool: guests, as: "G", logins: "a:1 b:1", have: []string{"G:", "B: b:1", "A: a:1"}, want: "B", outcome: idpool.Merged, after: []string{"G>B*", "B*: a:1 b:1", "A>B*"}},
		{name: "5 no login shown", pool: guests, as: "A", have: []string{"A: google:ann"}, kind: idpool.NotAuthorized, text: forbidden},
		{name: "6 returning", as: "A", logins: "google:ann", have: []string{"A: google:ann github:ann"}, want: "A", outcome: idpool.Found, after: []string{"A: github:ann google:ann"}},
		{name: "6 the rest is linked", as: "A", logins: "google:ann github:ann", have: []string{"A: google:ann"}, want: "A", outcome: idpool.Linked, after: []string{"A*: github:ann google:ann"}},
		{name: "7 the one named stays", as: "B", logins: "a:1 b:1", have: []string{"A: a:1", "B: b:1"}, want: "B", outcome: idpool.Merged, after: []string{"A>B*", "B*: a:1 b:1"}},
		{name: "7 the one named stays, of three", as: "B", logins: "a:1 b:1 c:1", have: []string{"A: a:1", "B: b:1", "C: c:1 d:1"}, want: "B", outcome: idpool.Merged, after: []string{"A>B*", "B*: a:1 b:1 c:1 d:1", "C>B*"}},
		{name: "8 none of its logins, a new one", as: "A", logins: "github:ann", have: []string{"A: google:ann"}, kind: idpool.NotAuthorized, text: noMatch},
		{name: "8 none of its logins, somebody else's", as: "A", logins: "github:ann", have: []string{"A: google:ann", "B: github:ann"}, kind: idpool.NotAuthorized, text: noMatch},
		{name: "8 another person of its provider", as: "A", logins: "google:bob", have: []string{"A: google:ann"}, kind: idpool.NotAuthorized, text: noMatch},
		{name: "8 the same subject at another provider", as: "A", logins: "github:ann", have: []string{"A: google:ann"}, kind: idpool.NotAuthorized, text: noMatch},
		{name: "9 a second person of a provider", as: "A", logins: "google:ann github:bob", have: []string{"A: google:ann github:ann"}, kind: idpool.Conflict, text: conflict},
		{name: "9 a second person by merging", as: "A", logins: "a:1 b:1", have: []string{"A: a:1 google:ann", "B: b:1 google:bob"}, kind: idpool.Conflict, text: conflict},
		{name: "9 a second person by merging, three", as: "G", pool: guests, logins: "a:1 b:1", have: []string{"G:", "A: a:1 google:ann", "B: b:1 google:bob"}, kind: idpool.Conflict, text: conflict},
		{name: "10 disabled, no login", pool: guests, as: "X", have: []string{"X!"}, kind: idpool.NotAuthorized, text: forbidden},
		{name: "10 disabled, a new login", pool: guests, as: "X", logins: "google:ann", have: []string{"X!"}, kind: idpool.NotAuthorized, text: forbidden},
		{name: "10 merged away, with the login that moved", as: "X", logins: "google:ann", have: []string{"A: google:ann", "X>A"}, kind: idpool.NotAuthorized, text: forbidden},
		{name: "twenty-one logins by merging", as: "A", logins: "p01:x q:1", have: []string{"A: " + nineteen, "B: q:1 q2:1"}, kind: idpool.Conflict, text: manyLogins},
	}, func(ctx context.Context, p *people, r row) (idpool.Identity, idpool.Outcome, error) {
		return idpool.Resume(ctx, p.store, p.pool, p.id(r.as), parseLogins(r.logins), now)
	})
}

// TestUnlink is the table of UnlinkIdentity (behaviour 2.21).
func TestUnlink(t *testing.T) {
	t.Parallel()
	runTable(t, []row{
		{name: "one of two", as: "A", logins: "google:ann", remove: "google", have: []string{"A: google:ann github:ann"}, want: "A", outcome: idpool.Unlinked, after: []string{"A*: github:ann"}},
		{name: "another than the one proved", as: "A", logins: "google:ann", remove: "github", have: []string{"A: google:ann github:ann"}, want: "A", outcome: idpool.Unlinked, after: []string{"A*: google:ann"}},
		{name: "one proved login and one of somebody else", as: "A", logins: "google:ann github:bob", remove: "github", have: []string{"A: google:ann github:ann", "B: github:bob"}, want: "A", outcome: idpool.Unlinked, after: []string{"A*: google:ann", "B: github:bob"}},
		{name: "the last one disables", pool: guests, as: "A", logins: "google:ann", remove: "google", have: []string{"A: google:ann"}, want: "A", outcome: idpool.Unlinked, after: []string{"A!*"}},
		{name: "all of them disable", pool: guests, as: "A", logins: "google:ann", remove: "google github google", have: []string{"A: google:ann github:ann"}, want: "A", outcome: idpool.Unlinked, after: []string{"A!*"}},
		{name: "a provider that is not linked", as: "A", logins: "google:ann", remove: "github", have: []string{"A: google:ann"}, want: "A", outcome: idpool.Found, after: []string{"A: google:ann"}},
		{name: "no provider", as: "A", logins: "google:ann", have: []string{"A: google:ann"}, want: "A", outcome: idpool.Found, after: []string{"A: google:ann"}},
		{name: "linked and not linked", as: "A", logins: "google:ann", remove: "x github", have: []string{"A: google:ann github:ann"}, want: "A", outcome: idpool.Unlinked, after: []string{"A*: google:ann"}},
		{name: "the proof of another identity", as: "A", logins: "google:bob", remove: "google", have: []string{"A: google:ann", "B: google:bob"}, kind: idpool.NotAuthorized, text: noMatch},
		{name: "the proof of nobody", as: "A", logins: "github:ann", remove: "google", have: []string{"A: google:ann"}, kind: idpool.NotAuthorized, text: noMatch},
		{name: "no proof", as: "A", remove: "google", have: []string{"A: google:ann"}, kind: idpool.NotAuthorized, text: forbidden},
		{name: "of a guest", pool: guests, as: "G", logins: "google:ann", remove: "google", have: []string{"G:"}, kind: idpool.NotAuthorized, text: noMatch},
		{name: "of a guest, no proof", pool: guests, as: "G", remove: "google", have: []string{"G:"}, kind: idpool.NotAuthorized, text: noMatch},
		{name: "of a disabled one", as: "X", logins: "google:ann", remove: "google", have: []string{"X!"}, kind: idpool.NotAuthorized, text: forbidden},
		{name: "of one merged away", as: "X", logins: "google:ann", remove: "google", have: []string{"A: google:ann", "X>A"}, kind: idpool.NotAuthorized, text: forbidden},
		{name: "of an unknown one", as: "U", logins: "google:ann", remove: "google", have: []string{"A: google:ann"}, kind: idpool.NotFound, text: unknown},
		{name: "the developer provider", pool: developer, as: "A", logins: "google:ann", remove: "google dev", have: []string{"A: dev:1 google:ann"}, kind: idpool.Invalid, text: publicOnly},
		{name: "a developer user keeps it alive", pool: developer, as: "A", logins: "google:ann", remove: "google", have: []string{"A: dev:1 google:ann"}, want: "A", outcome: idpool.Unlinked, after: []string{"A*: dev:1"}},
		{name: "an empty name is no developer provider", as: "A", logins: "google:ann", remove: " ", have: []string{"A: google:ann"}, want: "A", outcome: idpool.Found, after: []string{"A: google:ann"}},
	}, func(ctx context.Context, p *people, r row) (idpool.Identity, idpool.Outcome, error) {
		return idpool.Unlink(ctx, p.store, p.pool, p.id(r.as), parseLogins(r.logins), strings.Fields(r.remove), now)
	})
}

// TestPoolsDoNotShare: one person in two pools is two identities, and an
// identity of another pool is unknown.
func TestPoolsDoNotShare(t *testing.T) {
	store := openStore(t)
	ann := parseLogins("google:ann")
	here, there := gather(t, store, guests, "A: google:ann", "G:"), gather(t, store, guests)
	got, outcome, err := idpool.SignIn(t.Context(), store, there.pool, ann, there.fresh(), now)
	if err != nil || outcome != idpool.Created || there.names[got.ID] != "N" {
		t.Errorf("in another pool: %v, %s, %v", got, outcome, err)
	}
	for _, name := range []string{"A", "G"} {
		id := here.id(name)
		_, _, err = idpool.Resume(t.Context(), store, there.pool, id, ann, now)
		wantError(t, err, idpool.NotFound, fmt.Sprintf("Identity '%s' not found.", id))
		_, _, err = idpool.Resume(t.Context(), store, there.pool, id, nil, now)
		wantError(t, err, idpool.NotFound, fmt.Sprintf("Identity '%s' not found.", id))
		_, _, err = idpool.Unlink(t.Context(), store, there.pool, id, ann, []string{"google"}, now)
		wantError(t, err, idpool.NotFound, fmt.Sprintf("Identity '%s' not found.", id))
	}
	if got := here.show(); !slices.Equal(got, []string{"A: google:ann", "G:"}) {
		t.Errorf("the other pool changed: %q", got)
	}
}

// TestNeverAGuestAgain follows a login through row 8 of behaviour 3.1: once
// unlinked, or its identity deleted, it counts as new.
func TestNeverAGuestAgain(t *testing.T) {
	store := openStore(t)
	p := gather(t, store, guests)
	ann, ctx := parseLogins("google:ann"), t.Context()
	signIn := func(at time.Time) idpool.IdentityID {
		t.Helper()
		got, outcome, err := idpool.SignIn(ctx, store, p.pool, ann, idpool.NewIdentityID("us-east-1", at), at)
		if err != nil || outcome != idpool.Created {
			t.Fatalf("%s, %v", outcome, err)
		}
		return got.ID
	}
	first := signIn(now)
	if _, _, err := idpool.Unlink(ctx, store, p.pool, first, ann, []string{"google"}, now); err != nil {
		t.Fatal(err)
	}
	second := signIn(now.Add(time.Second))
	if first == second {
		t.Fatal("a login that was unlinked led to its old identity")
	}
	for _, logins := range [][]idpool.Login{nil, ann, parseLogins("github:ann")} {
		_, _, err := idpool.Resume(ctx, store, p.pool, first, logins, now)
		wantError(t, err, idpool.NotAuthorized, fmt.Sprintf("Access to Identity '%s' is forbidden.", first))
	}
	update(t, store, func(ctx context.Context, w idpool.Writer) error { return w.DeleteIdentity(ctx, second) })
	if third := signIn(now.Add(2 * time.Second)); third == second {
		t.Error("a login led to a deleted identity")
	}
}

// TestStalePool: a rule that changes something decides on the pool as it is,
// not as it was cached.
func TestStalePool(t *testing.T) {
	store := openStore(t)
	p := gather(t, store, guests, "A: google:ann")
	cached := p.pool.Clone()
	p.pool.AllowUnauthenticated, p.pool.Version = false, 2
	update(t, store, func(ctx context.Context, w idpool.Writer) error { return w.UpdatePool(ctx, p.pool) })
	_, _, err := idpool.SignIn(t.Context(), store, cached, nil, p.fresh(), now)
	wantError(t, err, idpool.NotAuthorized, guestsOff)

	p.pool.DeveloperProviderName, p.pool.Version = "github", 3
	update(t, store, func(ctx context.Context, w idpool.Writer) error { return w.UpdatePool(ctx, p.pool) })
	_, _, err = idpool.Unlink(t.Context(), store, cached, p.id("A"), parseLogins("google:ann"), []string{"github"}, now)
	wantError(t, err, idpool.Invalid, publicOnly)

	update(t, store, func(ctx context.Context, w idpool.Writer) error { return w.DeletePool(ctx, p.pool.ID) })
	gone := strings.ReplaceAll(poolGone, "POOL", string(p.pool.ID))
	for name, try := range map[string]func() error{
		"SignIn, guest": func() error { _, _, err := idpool.SignIn(t.Context(), store, cached, nil, p.fresh(), now); return err },
		"SignIn, new": func() error {
			_, _, err := idpool.SignIn(t.Context(), store, cached, parseLogins("a:1"), p.fresh(), now)
			return err
		},
		"Resume, link": func() error {
			_, _, err := idpool.Resume(t.Context(), store, cached, p.id("A"), parseLogins("google:ann a:1"), now)
			return err
		},
		"Unlink": func() error {
			_, _, err := idpool.Unlink(t.Context(), store, cached, p.id("A"), parseLogins("google:ann"), []string{"google"}, now)
			return err
		},
	} {
		t.Log(name)
		wantError(t, try(), idpool.NotFound, gone)
	}
	if got := p.show(); !slices.Equal(got, []string{"A: google:ann"}) {
		t.Errorf("left %q", got)
	}
}

// TestRulesKeepTheInvariants runs the rules in any order, on few people at few
// providers, so that they meet all the time.
func TestRulesKeepTheInvariants(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	rapid.Check(t, func(rt *rapid.T) {
		p := gather(t, store, func(p *idpool.Pool) { p.AllowUnauthenticated, p.DeveloperProviderName = true, "dev" })
		known := map[idpool.IdentityID]idpool.Identity{}
		var ids []idpool.IdentityID
		login := rapid.Custom(func(t *rapid.T) idpool.Login {
			return idpool.Login{Provider: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "provider"), Subject: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "subject")}
		})
		logins := rapid.SliceOfNDistinct(login, 0, 3, func(l idpool.Login) string { return l.Provider }) // as in a map by provider
		user := rapid.Map(rapid.SampledFrom([]string{"u", "v"}), func(s string) idpool.Login { return idpool.Login{Provider: "dev", Subject: s} })
		at := now
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			at = at.Add(time.Millisecond)
			fresh := idpool.NewIdentityID("us-east-1", at)
			as := fresh
			if len(ids) > 0 {
				as = rapid.SampledFrom(ids).Draw(rt, "as")
			}
			shown := logins.Draw(rt, "logins")
			step := rapid.SampledFrom([]string{"SignIn", "SignIn", "Resume", "Resume", "SignInDeveloper", "Unlink", "UnlinkDeveloper", "MergeDevelopers"}).Draw(rt, "rule")
			var got idpool.Identity
			var err error
			removes := false
			switch step {
			case "SignIn":
				got, _, err = idpool.SignIn(t.Context(), store, p.pool, shown, fresh, at)
			case "Resume":
				got, _, err = idpool.Resume(t.Context(), store, p.pool, as, shown, at)
			case "SignInDeveloper":
				u := user.Draw(rt, "user")
				if rapid.Bool().Draw(rt, "unnamed") {
					as = ""
				}
				shown = append(slices.Clone(shown), u)
				got, _, err = idpool.SignInDeveloper(t.Context(), store, p.pool, as, u, shown, fresh, at)
			case "Unlink":
				removes = true
				got, _, err = idpool.Unlink(t.Context(), store, p.pool, as, shown, []string{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "remove")}, at)
			case "UnlinkDeveloper":
				removes = true
				got, err = idpool.UnlinkDeveloper(t.Context(), store, p.pool, as, user.Draw(rt, "user"), at)
			case "MergeDevelopers":
				got, _, err = idpool.MergeDevelopers(t.Context(), store, p.pool, user.Draw(rt, "source"), user.Draw(rt, "destination"), at)
				shown = nil
			}
			if err != nil && idpool.KindOf(err) == idpool.Internal {
				rt.Fatalf("%s: %v", step, err)
			}
			if err == nil && !removes && (got.Disabled || !allOf(got, shown)) {
				rt.Fatalf("%s of %v answered %+v", step, shown, got)
			}
			before := known
			known = readAll(rt, p)
			ids = slices.Sorted(maps.Keys(known))
			checkPeople(rt, p, step, before, known)
			if err != nil && !reflect.DeepEqual(before, known) {
				rt.Fatalf("%s failed with %v and left %+v; before it was %+v", step, err, known, before)
			}
			if lost := len(allLogins(before)) - len(allLogins(known)); lost > 0 && !removes {
				rt.Fatalf("%s lost logins: %v, before %v", step, known, before)
			}
		}
	})
}

func allOf(i idpool.Identity, logins []idpool.Login) bool {
	return !slices.ContainsFunc(logins, func(l idpool.Login) bool { return !i.Has(l) })
}

func readAll(t *rapid.T, p *people) map[idpool.IdentityID]idpool.Identity {
	all := map[idpool.IdentityID]idpool.Identity{}
	err := p.store.View(context.Background(), func(r idpool.Reader) error {
		list, err := r.Identities(context.Background(), p.pool.ID, "", 1000)
		for _, i := range list {
			all[i.ID] = i
			for _, l := range i.Logins {
				if owner, err := r.IdentityByLogin(context.Background(), p.pool.ID, l); err != nil || owner.ID != i.ID {
					t.Fatalf("login %v of %s leads to %s (%v)", l, i.ID, owner.ID, err)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func allLogins(all map[idpool.IdentityID]idpool.Identity) map[idpool.Login]idpool.IdentityID {
	out := map[idpool.Login]idpool.IdentityID{}
	for _, i := range all {
		for _, l := range i.Logins {
			out[l] = i.ID
		}
	}
	return out
}

// checkPeople compares what one rule left with what it found.
func checkPeople(t *rapid.T, p *people, step string, before, after map[idpool.IdentityID]idpool.Identity) {
	count := 0
	for id, i := range after {
		was, existed := before[id]
		count += len(i.Logins)
		people := map[string]string{}
		for _, l := range i.Logins {
			if one, ok := people[l.Provider]; ok && one != l.Subject && l.Provider != "dev" {
				t.Fatalf("%s: %s has two people of provider %s: %+v", step, id, l.Provider, i)
			}
			people[l.Provider] = l.Subject
		}
		switch {
		case i.Disabled && len(i.Logins) > 0:
			t.Fatalf("%s: a disabled identity has logins: %+v", step, i)
		case i.MergedInto != "" && !i.Disabled:
			t.Fatalf("%s: merged and alive: %+v", step, i)
		case existed && was.Disabled && !reflect.DeepEqual(was, i):
			t.Fatalf("%s: a disabled identity changed from %+v to %+v", step, was, i)
		case existed && !was.Guest() && i.Guest():
			t.Fatalf("%s: %s became a guest", step, id)
		case existed && !was.Created.Equal(i.Created):
			t.Fatalf("%s: the creation time of %s changed", step, id)
		}
	}
	for id := range before {
		if _, ok := after[id]; !ok {
			t.Fatalf("%s: identity %s vanished", step, id)
		}
	}
	if count != len(allLogins(after)) {
		t.Fatalf("%s: a login has two identities: %+v", step, after)
	}
}
