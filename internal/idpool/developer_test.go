package idpool_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"idpool/internal/idpool"
)

const devs = "devs"

// backEnd is a pool with a developer provider, and its store.
type backEnd struct {
	idpool.Store
	pool idpool.Pool
	now  time.Time
}

func newBackEnd(t *testing.T) *backEnd {
	store := openStore(t)
	return &backEnd{store, createPool(t, store, func(p *idpool.Pool) { p.DeveloperProviderName, p.AllowUnauthenticated = devs, true }), start}
}

func dev(user string) idpool.Login      { return idpool.Login{Provider: devs, Subject: user} }
func pub(who string) idpool.Login       { return idpool.Login{Provider: "login.example.com", Subject: who} }
func other(who string) idpool.Login     { return idpool.Login{Provider: "other.example.com", Subject: who} }
func (b *backEnd) tick() time.Time      { b.now = b.now.Add(time.Second); return b.now }
func (b *backEnd) ctx() context.Context { return context.Background() }

func (b *backEnd) signIn(id idpool.IdentityID, user idpool.Login, more ...idpool.Login) (idpool.Identity, error) {
	now := b.tick()
	i, _, err := idpool.SignInDeveloper(b.ctx(), b, b.pool, id, user, append(more, user), idpool.NewIdentityID("us-east-1", now), now)
	return i, err
}

func (b *backEnd) public(logins ...idpool.Login) idpool.Identity {
	now := b.tick()
	i, _, err := idpool.SignIn(b.ctx(), b, b.pool, logins, idpool.NewIdentityID("us-east-1", now), now)
	if err != nil {
		panic(err)
	}
	return i
}

func (b *backEnd) read(t *testing.T, id idpool.IdentityID) (i idpool.Identity) {
	t.Helper()
	if err := b.View(b.ctx(), func(r idpool.Reader) (err error) { i, err = r.Identity(b.ctx(), id); return err }); err != nil {
		t.Fatal(err)
	}
	return i
}

const notTheirs = "Logins don't match. Please include at least one valid login for this identity or identity pool."

// TestSignInDeveloper is behaviour 2.11, row by row.
func TestSignInDeveloper(t *testing.T) {
	b := newBackEnd(t)
	ann, err := b.signIn("", dev("ann"))
	if err != nil || !slices.Equal(ann.Logins, []idpool.Login{dev("ann")}) {
		t.Fatalf("a new user: %+v %v", ann, err)
	}
	if again, err := b.signIn("", dev("ann")); err != nil || again.ID != ann.ID || !b.read(t, ann.ID).Modified.Equal(ann.Modified) {
		t.Errorf("a known user: %+v %v", again, err)
	}
	if named, err := b.signIn(ann.ID, dev("ann")); err != nil || named.ID != ann.ID {
		t.Errorf("a known user, by ID: %+v %v", named, err)
	}
	guest := b.public()
	if up, err := b.signIn(guest.ID, dev("bea")); err != nil || up.ID != guest.ID || up.Guest() {
		t.Errorf("a guest who becomes a user: %+v %v", up, err)
	}
	if _, err := b.signIn(ann.ID, dev("ann2")); err == nil {
		t.Error("a user was linked to somebody's identity without proof")
	} else {
		wantError(t, err, idpool.NotAuthorized, notTheirs)
	}
	carl := b.public(pub("carl"))
	if linked, err := b.signIn(carl.ID, dev("carl"), pub("carl")); err != nil || linked.ID != carl.ID || len(linked.Logins) != 2 {
		t.Errorf("a user linked with proof: %+v %v", linked, err)
	}
	for name, id := range map[string]idpool.IdentityID{"a person": carl.ID, "a guest": b.public().ID} {
		_, err := b.signIn(id, dev("ann"))
		if idpool.KindOf(err) != idpool.Registered {
			t.Errorf("a user of another identity, for %s: %v", name, err)
		}
	}
	dora := b.public(other("dora"))
	merged, err := b.signIn(ann.ID, dev("ann"), other("dora"))
	if err != nil || merged.ID != ann.ID || !merged.Has(other("dora")) || !b.read(t, dora.ID).Disabled {
		t.Errorf("a login of another identity: %+v %v", merged, err)
	}
	if _, err := b.signIn(dora.ID, dev("new")); err == nil || err.Error() != "Access to Identity '"+string(dora.ID)+"' is forbidden." {
		t.Errorf("a disabled identity: %v", err)
	}
	if _, err := b.signIn(ann.ID, dev("ann"), other("eve")); idpool.KindOf(err) != idpool.Conflict {
		t.Errorf("two people of one provider: %v", err)
	}
	_, err = b.signIn("us-east-1:00000000-0000-4000-8000-000000000000", dev("ann"))
	wantError(t, err, idpool.NotFound, "Identity 'us-east-1:00000000-0000-4000-8000-000000000000' not found.")
	several, err := b.signIn(ann.ID, dev("ann-at-work"), other("dora"))
	if users := several.DeveloperUsers(b.pool); err != nil || !slices.Equal(users, []string{"ann", "ann-at-work"}) {
		t.Errorf("a second user of one identity: %v %v", users, err)
	}
}

// TestMergeDevelopers is behaviour 2.16.
func TestMergeDevelopers(t *testing.T) {
	b := newBackEnd(t)
	merge := func(from, to string) (idpool.Identity, error) {
		i, _, err := idpool.MergeDevelopers(b.ctx(), b, b.pool, dev(from), dev(to), b.tick())
		return i, err
	}
	sign := func(user string, more ...idpool.Login) idpool.Identity {
		i, err := b.signIn("", dev(user), more...)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	old, young := sign("old", pub("o")), sign("young")
	got, err := merge("old", "young") // the destination wins, however young
	if err != nil || got.ID != young.ID || !got.Has(pub("o")) || !got.Has(dev("old")) {
		t.Fatalf("%+v %v", got, err)
	}
	if loser := b.read(t, old.ID); !loser.Disabled || len(loser.Logins) != 0 || loser.MergedInto != young.ID {
		t.Errorf("the source is %+v", loser)
	}
	if back := sign("old"); back.ID != young.ID {
		t.Errorf("the source's user is %s", back.ID)
	}
	if same, err := merge("old", "young"); err != nil || same.ID != young.ID || !same.Modified.Equal(got.Modified) {
		t.Errorf("one identity already: %+v %v", same, err)
	}
	sign("x", pub("x"))
	if _, err := merge("x", "young"); idpool.KindOf(err) != idpool.Conflict || b.read(t, young.ID).Has(pub("x")) {
		t.Errorf("two people of one public provider: %v", err)
	}
	for _, pair := range [][2]string{{"nobody", "young"}, {"young", "nobody"}} {
		_, err := merge(pair[0], pair[1])
		wantError(t, err, idpool.NotFound, "Developer user identifier 'nobody' not found.")
	}
	sign("many")
	for i := range 30 {
		sign(fmt.Sprint("m", i))
		if _, err := merge(fmt.Sprint("m", i), "many"); err == nil {
			continue
		} else if n := len(b.read(t, sign("many").ID).Logins); idpool.KindOf(err) != idpool.Conflict || n != 20 {
			t.Errorf("with %d logins: %v", n, err)
		}
		return
	}
	t.Error("an identity took thirty logins")
}

// TestUnlinkDeveloper is behaviour 2.21.
func TestUnlinkDeveloper(t *testing.T) {
	b := newBackEnd(t)
	ann, _ := b.signIn("", dev("ann"), pub("ann"))
	bea, _ := b.signIn("", dev("bea"))
	unlink := func(id idpool.IdentityID, user string) error {
		_, err := idpool.UnlinkDeveloper(b.ctx(), b, b.pool, id, dev(user), b.tick())
		return err
	}
	wantError(t, unlink(ann.ID, "nobody"), idpool.NotFound, "Developer user identifier 'nobody' not found.")
	wantError(t, unlink("us-east-1:0", "ann"), idpool.NotFound, "Identity 'us-east-1:0' not found.")
	wantError(t, unlink(ann.ID, "bea"), idpool.Conflict, "")
	if err := unlink(ann.ID, "ann"); err != nil {
		t.Fatal(err)
	}
	if i := b.read(t, ann.ID); i.Disabled || !slices.Equal(i.Logins, []idpool.Login{pub("ann")}) {
		t.Errorf("with a login left: %+v", i)
	}
	if err := unlink(bea.ID, "bea"); err != nil || !b.read(t, bea.ID).Disabled {
		t.Errorf("without a login left: %v", err)
	}
	if again, err := b.signIn("", dev("bea")); err != nil || again.ID == bea.ID {
		t.Errorf("an unlinked user is %s, %v", again.ID, err)
	}
}

// TestLookUpDeveloper is behaviour 2.15.
func TestLookUpDeveloper(t *testing.T) {
	b := newBackEnd(t)
	ann, _ := b.signIn("", dev("ann"), pub("ann"))
	bea, _ := b.signIn("", dev("bea"))
	plain := b.public(pub("carl"))
	elsewhere := newBackEnd(t)
	foreign, _ := elsewhere.signIn("", dev("ann"))
	for name, row := range map[string]struct {
		id   idpool.IdentityID
		user string
		want idpool.IdentityID
		kind idpool.Kind
	}{
		"by ID":        {ann.ID, "", ann.ID, 0},
		"by user":      {"", "bea", bea.ID, 0},
		"by both":      {ann.ID, "ann", ann.ID, 0},
		"no users":     {plain.ID, "", plain.ID, 0},
		"neither":      {"", "", "", idpool.Invalid},
		"do not agree": {ann.ID, "bea", "", idpool.Conflict},
		"unknown user": {ann.ID, "nobody", "", idpool.NotFound},
		"unknown ID":   {foreign.ID, "", "", idpool.NotFound},
	} {
		var got idpool.Identity
		err := b.View(b.ctx(), func(r idpool.Reader) (err error) {
			got, err = idpool.LookUpDeveloper(b.ctx(), r, b.pool, row.id, row.user)
			return err
		})
		if row.kind != 0 {
			if idpool.KindOf(err) != row.kind {
				t.Errorf("%s: %v", name, err)
			}
		} else if err != nil || got.ID != row.want {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

// TestGuestsExpire holds that guests whom nobody uses go, and nobody else.
func TestGuestsExpire(t *testing.T) {
	b := newBackEnd(t)
	const age = 8 * time.Hour
	idle, used, person := b.public(), b.public(), b.public(pub("ann"))
	upgraded := b.public()
	if _, _, err := idpool.Resume(b.ctx(), b, b.pool, upgraded.ID, []idpool.Login{pub("bea")}, b.tick()); err != nil {
		t.Fatal(err)
	}
	touch := func(at time.Time) time.Time {
		if err := idpool.TouchGuest(b.ctx(), b, b.read(t, used.ID), age, at); err != nil {
			t.Fatal(err)
		}
		return b.read(t, used.ID).Seen
	}
	if seen := touch(start.Add(age / 10)); !seen.Equal(used.Seen) {
		t.Error("a guest who came a moment ago cost a write")
	}
	if seen := touch(start.Add(age / 2)); !seen.Equal(start.Add(age / 2)) {
		t.Errorf("seen at %s", seen)
	}
	n, err := idpool.ExpireGuests(b.ctx(), b, start.Add(age/4), 100)
	if err != nil || n != 1 {
		t.Fatalf("expired %d guests, %v", n, err)
	}
	for id, there := range map[idpool.IdentityID]bool{idle.ID: false, used.ID: true, person.ID: true, upgraded.ID: true} {
		err := b.View(b.ctx(), func(r idpool.Reader) error { _, err := r.Identity(b.ctx(), id); return err })
		if got := err == nil; got != there {
			t.Errorf("%s: %v", id, err)
		}
	}
}
