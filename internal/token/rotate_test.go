package token

import (
	"bytes"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/seal"
)

// TestLife goes through the life of three keys by the clock: what signs, what is
// published and in which order, and which tokens are good.
func TestLife(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	first, _ := stored(t)
	put(t, store, first)
	clock := now
	k := newKeys(t, store)
	k.Now = func() time.Time { return clock }
	issuer := &Issuer{URL: url, Keys: k, Now: k.Now}
	tokens := map[string]string{} // one of each key, as long as there can be
	look := func() (states string, published []string, good []string) {
		t.Helper()
		list, err := k.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range list {
			states += info.ID[len("us-east-1"):] + " " + string(info.State) + ", "
		}
		set, err := k.Set(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range set.Keys {
			published = append(published, key.KeyID[len("us-east-1"):])
		}
		text, err := issuer.Sign(t.Context(), ann(), MaxLifetime)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := k.signer(t.Context(), clock)
		if err != nil {
			t.Fatal(err)
		}
		tokens[signer.id[len("us-east-1"):]] = text
		for _, id := range []string{"1", "2", "3"} {
			if _, err := issuer.Verify(t.Context(), tokens[id]); err == nil {
				good = append(good, id)
			}
		}
		return strings.TrimSuffix(states, ", "), published, good
	}
	expect := func(after time.Duration, states, published, good string) {
		t.Helper()
		clock = now.Add(after)
		s, p, g := look()
		if s != states || strings.Join(p, " ") != published || strings.Join(g, " ") != good {
			t.Errorf("after %s: states %q, published %v, tokens good of %v; want %q, %q, %q", after, s, p, g, states, published, good)
		}
	}
	rotate := func(atOnce bool) Info {
		t.Helper()
		info, err := k.Rotate(t.Context(), atOnce)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	expect(0, "1 signing", "1", "1")
	if info := rotate(false); info.ID != "us-east-12" || info.State != Next || !info.UseFrom.Equal(clock.Truncate(time.Millisecond).Add(24*time.Hour)) {
		t.Errorf("the next key: %+v", info)
	}
	expect(0, "1 signing, 2 next", "1 2", "1")
	if _, err := k.Rotate(t.Context(), false); idpool.KindOf(err) != idpool.Exists || !strings.Contains(err.Error(), "us-east-12") {
		t.Errorf("a second next key: %v", err)
	}
	expect(24*time.Hour-time.Millisecond, "1 signing, 2 next", "1 2", "1")
	expect(24*time.Hour, "1 old, 2 signing", "2 1", "1 2")
	expect(48*time.Hour-2*time.Second, "1 old, 2 signing", "2 1", "1 2") // the last token of key 1
	expect(48*time.Hour, "1 old, 2 signing", "2 1", "2")
	expect(49*time.Hour-time.Millisecond, "1 old, 2 signing", "2 1", "2")
	expect(49*time.Hour, "1 gone, 2 signing", "2", "2")

	// At once: as soon as every node has read it.
	info := rotate(true)
	expect(49*time.Hour, "1 gone, 2 signing, 3 next", "2 3", "2")
	expect(49*time.Hour+soon, "1 gone, 2 old, 3 signing", "3 2", "2 3")
	if err := k.Retire(t.Context(), info.ID); idpool.KindOf(err) != idpool.Invalid {
		t.Errorf("the one that signs is retired: %v", err)
	}
	if err := k.Retire(t.Context(), "us-east-19"); !idpool.IsNotFound(err) {
		t.Errorf("one that there is not: %v", err)
	}
	for range 2 {
		if err := k.Retire(t.Context(), "us-east-12"); err != nil {
			t.Fatal(err)
		}
	}
	expect(49*time.Hour+soon, "1 gone, 2 retired, 3 signing", "3", "3")

	// A waiting key is taken if one is wanted at once, and one that is retired
	// leaves its number behind.
	waiting := rotate(false)
	if info := rotate(true); info.ID != waiting.ID || !info.UseFrom.Before(waiting.UseFrom) {
		t.Errorf("at once: %+v, where %+v waits", info, waiting)
	}
	if err := k.Retire(t.Context(), waiting.ID); err != nil {
		t.Fatal(err)
	}
	if info := rotate(false); info.ID != "us-east-15" {
		t.Errorf("after the retired one comes %s", info.ID)
	}
	expect(49*time.Hour+2*soon, "1 gone, 2 retired, 3 signing, 4 retired, 5 next", "3 5", "3")
}

// Another node knows a new key before it signs, and a retired one a moment later.
func TestNodesAgree(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	first, _ := stored(t)
	put(t, store, first)
	var mu sync.Mutex
	clock := now
	at := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return clock
	}
	pass := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		clock = clock.Add(d)
	}
	var nodes []*Issuer
	for range 3 {
		k := newKeys(t, store)
		k.Now = at
		nodes = append(nodes, &Issuer{URL: url, Keys: k, Now: at})
	}
	check := func(when string) {
		t.Helper()
		for i, signer := range nodes {
			text, err := signer.Sign(t.Context(), ann(), Lifetime)
			if err != nil {
				t.Fatal(err)
			}
			for j, node := range nodes {
				if _, err := node.Verify(t.Context(), text); err != nil {
					t.Errorf("%s: node %d refuses what node %d signed: %v", when, j, i, err)
				}
			}
		}
	}
	check("at first")
	if _, err := nodes[0].Keys.Rotate(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	for range 25 {
		check("while the key changes")
		pass(100 * time.Millisecond)
	}
	old, err := nodes[1].Sign(t.Context(), ann(), Lifetime)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nodes[2].Keys.Rotate(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	pass(soon)
	if err := nodes[2].Keys.Retire(t.Context(), "us-east-12"); err != nil {
		t.Fatal(err)
	}
	pass(keysMemory)
	for i, node := range nodes {
		if _, err := node.Verify(t.Context(), old); idpool.KindOf(err) != idpool.InvalidToken {
			t.Errorf("node %d: a token of a retired key: %v", i, err)
		}
	}
	check("at last")
}

// What a node knows goes on while the store is away.
func TestKeysWithoutAStore(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	first, _ := stored(t)
	put(t, store, first)
	clock := now
	k := newKeys(t, store)
	k.Now = func() time.Time { return clock }
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	store.Close()
	clock = clock.Add(time.Hour)
	if key, err := k.signer(t.Context(), clock); err != nil || key.id != first.ID {
		t.Errorf("signer: %s, %v", key.id, err)
	}
	if _, err := k.Rotate(t.Context(), true); idpool.KindOf(err) != idpool.Unavailable {
		t.Errorf("Rotate: %v", err)
	}
}

// Another master key takes over: both open for a while, then the new one alone.
func TestRewrap(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	first, second := stored(t)
	put(t, store, first, second)
	master := func(b byte) []byte { return bytes.Repeat([]byte{b}, seal.KeySize) }
	keys := func(masters ...[]byte) *Keys {
		ring, err := seal.New(masters...)
		if err != nil {
			t.Fatal(err)
		}
		k := newKeys(t, store)
		k.Box = ring.Box("signing keys")
		return k
	}
	before, err := keys(master(1)).all(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	both := keys(master(9), master(1))
	for _, want := range []int{2, 0} {
		if n, err := both.Rewrap(t.Context()); n != want || err != nil {
			t.Errorf("%d sealed anew, %v; want %d", n, err, want)
		}
	}
	after, err := keys(master(9)).all(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range before {
		if !before[i].private.Equal(after[i].private) || !reflect.DeepEqual(before[i].lifecycle, after[i].lifecycle) {
			t.Errorf("key %d is another one", i)
		}
	}
	if _, err := keys(master(1)).Open(t.Context()); err == nil {
		t.Error("the old master key opens them still")
	}
	if _, err := keys(master(7)).Rewrap(t.Context()); err == nil {
		t.Error("a stranger's master key seals them anew")
	}
}
