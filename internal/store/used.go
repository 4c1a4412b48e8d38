package store

import (
	"context"
	"time"

	"idpool/internal/idpool"
)

const (
	forgetUsed = `DELETE FROM used WHERE until <= $1`
	putUsed    = `INSERT INTO used (id, until) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET until = excluded.until WHERE used.until <= $3`
)

// UseOnce implements idpool.Writer.
func (t Tx) UseOnce(ctx context.Context, id string, now, until time.Time) error {
	n, err := t.Q.Exec(ctx, putUsed, id, until.UnixMilli(), now.UnixMilli())
	switch {
	case err != nil:
		return err
	case n == 0: // and nothing was changed
		return idpool.Errorf(idpool.Exists, "it was used before")
	}
	_, err = t.Q.Exec(ctx, forgetUsed, now.UnixMilli()) // each row goes once, so this keeps up
	return err
}
