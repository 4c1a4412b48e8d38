package idpool

import (
	"context"
	"time"
)

// TouchGuest notes that a guest was seen, so that it is not expired. To cost a
// guest who comes often no write each time, it does nothing while less than an
// eighth of maxAge has passed since the last note. Zero maxAge: guests do not
// expire, and nothing is noted.
func TouchGuest(ctx context.Context, store Store, guest Identity, maxAge time.Duration, now time.Time) error {
	if maxAge <= 0 || !guest.Guest() || now.Sub(guest.Seen) < maxAge/8 {
		return nil
	}
	return store.Update(ctx, func(w Writer) error {
		held, err := w.Identity(ctx, guest.ID)
		if err != nil || !held.Guest() {
			return err
		}
		held.Seen = now
		return w.UpdateIdentity(ctx, held)
	})
}

// ExpireGuests deletes up to limit guests who were last seen before a time and
// returns how many it deleted.
func ExpireGuests(ctx context.Context, store Store, before time.Time, limit int) (int, error) {
	gone := 0
	err := store.Update(ctx, func(w Writer) error {
		idle, err := w.IdleGuests(ctx, before, limit)
		for gone = 0; err == nil && gone < len(idle); gone++ {
			err = w.DeleteIdentity(ctx, idle[gone])
		}
		return err
	})
	return gone, err
}
