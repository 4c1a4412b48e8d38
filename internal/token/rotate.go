package token

import (
	"context"
	"fmt"
	"slices"
	"time"

	"idpool/internal/idpool"
)

// The life of a key: it is published, signs a day later until the next one does,
// stays published until the last token that it signed has expired, and is gone.
// It can be retired by hand before that.
const (
	// ahead is how long a key is published before it signs: far longer than
	// relying parties keep our key set.
	ahead = 24 * time.Hour
	// soon is how long a key is published that signs at once: until every
	// node has read it.
	soon = 2 * keysMemory
	// after is how long a key is published when it signs no more: the longest
	// token, and an hour for nodes that noticed late and clocks that differ.
	after = MaxLifetime + time.Hour
)

// lifecycle says when a key signs and is published.
type lifecycle struct {
	created, useFrom, retired time.Time
	until                     time.Time // after which it is not published; zero: no end in sight
}

func lifecycleOf(row idpool.SigningKey) lifecycle {
	return lifecycle{created: row.Created, useFrom: row.UseFrom, retired: row.Retired}
}

func (l lifecycle) published(now time.Time) bool {
	return l.retired.IsZero() && (l.until.IsZero() || now.Before(l.until))
}

// chain finds out how long each key is published. The keys are in the order in
// which they sign.
func chain(keys []signingKey) {
	var next time.Time // when the next one signs
	for i := range slices.Backward(keys) {
		l := &keys[i].lifecycle
		if !l.retired.IsZero() && !l.retired.After(l.useFrom) {
			continue // it never signed
		}
		if !next.IsZero() {
			l.until = next.Add(after)
		}
		next = l.useFrom
	}
}

// signs is the index of the key that signs at a time: the last one whose time has
// come. A clock that went back finds none, and takes the first.
func signs(keys []signingKey, now time.Time) int {
	first := 0
	for i, key := range slices.Backward(keys) {
		if !key.retired.IsZero() {
			continue
		}
		if first = i; !key.useFrom.After(now) {
			return i
		}
	}
	return first
}

// State is where a key is in its life.
type State string

// The states, in the order in which a key has them.
const (
	Next    State = "next"    // published, and signs later
	Signing State = "signing" // the one that signs
	Old     State = "old"     // published for the tokens that it signed
	Gone    State = "gone"    // those have expired
	Retired State = "retired" // by hand: its tokens are refused
)

// Info describes a key.
type Info struct {
	ID      string    `json:"id"` // kid
	State   State     `json:"state"`
	Created time.Time `json:"created"`
	UseFrom time.Time `json:"use_from"`       // when it signs, or began to
	Until   time.Time `json:"until,omitzero"` // how long it is published; zero: no end in sight
	Retired time.Time `json:"retired,omitzero"`
}

// List describes all keys, in the order in which they sign. There is none before
// the first start.
func (k *Keys) List(ctx context.Context) ([]Info, error) {
	rows, err := k.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	return k.describe(rows), nil
}

func (k *Keys) describe(rows []idpool.SigningKey) []Info {
	if len(rows) == 0 {
		return nil
	}
	var keys []signingKey
	for _, row := range rows {
		keys = append(keys, signingKey{id: row.ID, lifecycle: lifecycleOf(row)})
	}
	slices.SortStableFunc(keys, func(a, b signingKey) int { return a.useFrom.Compare(b.useFrom) })
	chain(keys)
	now := k.Now()
	signing := signs(keys, now)
	var list []Info
	for i, key := range keys {
		info := Info{ID: key.id, State: Next, Created: key.created, UseFrom: key.useFrom, Until: key.until, Retired: key.retired}
		switch {
		case !key.retired.IsZero():
			info.State = Retired
		case i == signing:
			info.State = Signing
		case !key.published(now):
			info.State = Gone
		case i < signing:
			info.State = Old
		}
		list = append(list, info)
	}
	return list
}

// Rotate makes the next key. It is published now and signs a day later, or, if it
// is wanted at once, as soon as every node knows it. If the next key is there
// already the error is of kind Exists, unless it is wanted at once: then that one
// is taken.
func (k *Keys) Rotate(ctx context.Context, atOnce bool) (Info, error) {
	if err := k.Load(ctx); err != nil {
		return Info{}, err
	}
	rows, err := k.read(ctx)
	if err != nil {
		return Info{}, err
	}
	number := len(rows) + 1 // rows stay, so no number comes again
	for slices.ContainsFunc(rows, func(r idpool.SigningKey) bool { return r.ID == k.kid(number) }) {
		number++
	}
	fresh, err := k.generate(number)
	if err != nil {
		return Info{}, err
	}
	now := k.Now().UTC().Truncate(time.Millisecond)
	fresh.UseFrom = now.Add(ahead)
	if atOnce {
		fresh.UseFrom = now.Add(soon)
	}
	var made Info
	err = k.Store.Update(ctx, func(w idpool.Writer) error {
		rows, err := w.SigningKeys(ctx)
		if err != nil {
			return err
		}
		next := fresh
		for _, row := range rows {
			switch waiting := row.Retired.IsZero() && row.UseFrom.After(now); {
			case waiting && !atOnce:
				return idpool.Errorf(idpool.Exists, "key %s is published already and signs from %s", row.ID, row.UseFrom.Format(time.RFC3339))
			case waiting:
				row.UseFrom = fresh.UseFrom
				next = row
			case row.ID == fresh.ID:
				return idpool.Errorf(idpool.Changed, "somebody else made key %s at this moment", row.ID)
			}
		}
		made = Info{ID: next.ID, State: Next, Created: next.Created, UseFrom: next.UseFrom}
		return w.PutSigningKey(ctx, next)
	})
	k.forget()
	return made, err
}

// Retire ends the life of a key: tokens that it signed are refused from now on. A
// key that does not exist is NotFound; the one that signs is Invalid.
func (k *Keys) Retire(ctx context.Context, id string) error {
	now := k.Now().UTC().Truncate(time.Millisecond)
	err := k.Store.Update(ctx, func(w idpool.Writer) error {
		rows, err := w.SigningKeys(ctx)
		if err != nil {
			return err
		}
		for _, info := range k.describe(rows) {
			switch {
			case info.ID != id:
				continue
			case info.State == Signing:
				return idpool.Errorf(idpool.Invalid, "key %s signs: rotate first, and retire it when the next one signs", id)
			case info.State == Retired:
				return nil
			}
			row := rows[slices.IndexFunc(rows, func(r idpool.SigningKey) bool { return r.ID == id })]
			row.Retired = now
			return w.PutSigningKey(ctx, row)
		}
		return idpool.Errorf(idpool.NotFound, "there is no signing key %s", id)
	})
	k.forget()
	return err
}

// Rewrap seals every key anew that was sealed under an older master key, and
// returns how many those were.
func (k *Keys) Rewrap(ctx context.Context) (n int, err error) {
	err = k.Store.Update(ctx, func(w idpool.Writer) error {
		n = 0
		rows, err := w.SigningKeys(ctx)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if k.Box.Current(row.Private) {
				continue
			}
			der, err := k.Box.Open(row.Private, "signing-key", row.ID)
			if err != nil {
				return fmt.Errorf("open signing key %s: %w", row.ID, err)
			}
			row.Private = k.Box.Seal(der, "signing-key", row.ID)
			if err := w.PutSigningKey(ctx, row); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// forget has the keys read again by whoever needs one next.
func (k *Keys) forget() {
	if known := k.known.Load(); known != nil {
		k.known.CompareAndSwap(known, &snapshot{keys: known.keys})
	}
}
