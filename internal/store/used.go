package store

import (
	"context"
	"time"

	"idpool/internal/idpool"
)

const (
	forgetUsed = `DELETE FROM used WHERE until <= $1`
	putUsed    = `INSERT INTO used (id, until) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`
)

// UseOnce implements idpool.Writer.
func (t Tx) UseOnce(ctx context.Context, id string, now, until time.Time) error {
	if _, err := t.Q.Exec(ctx, forgetUsed, now.UnixMilli()); err != nil { // each row goes once, so this keeps up
		return err
	}
	n, err := t.Q.Exec(ctx, putUsed, id, until.UnixMilli())
	if err == nil && n == 0 {
		err = idpool.Errorf(idpool.Exists, "it was used before")
	}
	return err
}
