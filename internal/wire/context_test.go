package wire

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

type otherKey struct{}

// TestRequestContext: whether somebody waits for it or not, the context of a
// request ends with the request's time, with the connection, and with the request.
func TestRequestContext(t *testing.T) {
	for _, waits := range []bool{false, true} {
		for name, c := range map[string]struct {
			end  func(*requestContext, context.CancelFunc)
			want error
		}{
			"nothing":        {func(*requestContext, context.CancelFunc) {}, nil},
			"almost the end": {func(*requestContext, context.CancelFunc) { time.Sleep(maxTime - 1) }, nil},
			"the time":       {func(*requestContext, context.CancelFunc) { time.Sleep(maxTime) }, context.DeadlineExceeded},
			"the connection": {func(_ *requestContext, hangUp context.CancelFunc) { hangUp() }, context.Canceled},
			"the request":    {func(c *requestContext, hangUp context.CancelFunc) { c.end(); hangUp() }, context.Canceled}, // as net/http does
		} {
			synctest.Test(t, func(t *testing.T) {
				connection, hangUp := context.WithCancel(context.WithValue(t.Context(), otherKey{}, "kept"))
				defer hangUp()
				ctx := &requestContext{Context: connection, deadline: time.Now().Add(maxTime)}
				defer ctx.end()
				var child context.Context = ctx
				if waits {
					var cancel context.CancelFunc
					child, cancel = context.WithCancel(ctx) // without a goroutine: synctest would wait for it
					defer cancel()
				}
				if deadline, ok := child.Deadline(); !ok || !deadline.Equal(ctx.deadline) {
					t.Errorf("deadline %v, %v", deadline, ok)
				}
				c.end(ctx, hangUp)
				synctest.Wait()
				if got := ctx.Err(); !errors.Is(got, c.want) {
					t.Errorf("%s, waits %v: got %v, want %v", name, waits, got, c.want)
				}
				if got := child.Err(); !errors.Is(got, c.want) {
					t.Errorf("%s, waits %v: the child has %v, want %v", name, waits, got, c.want)
				}
				select {
				case <-ctx.Done():
					if c.want == nil {
						t.Errorf("%s, waits %v: it is done", name, waits)
					}
				default:
					if c.want != nil {
						t.Errorf("%s, waits %v: it is not done", name, waits)
					}
				}
				if got := ctx.Value(otherKey{}); got != "kept" {
					t.Errorf("%s: the connection's value is %v", name, got)
				}
				if EventFrom(child) != &ctx.event {
					t.Errorf("%s: another event", name)
				}
			})
		}
	}
}
