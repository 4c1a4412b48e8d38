package wire

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

type otherKey struct{}

// TestRequestContext: the context of a request ends with the time of those who
// wait for it, with the connection, and with the request.
func TestRequestContext(t *testing.T) {
	hangUp := func(_ *requestContext, hangUp context.CancelFunc) { hangUp() }
	end := func(c *requestContext, hangUp context.CancelFunc) { c.end(); hangUp() } // as net/http does
	sleep := func(d time.Duration) func(*requestContext, context.CancelFunc) {
		return func(*requestContext, context.CancelFunc) { time.Sleep(d) }
	}
	for _, c := range []struct {
		name  string
		waits bool
		end   func(*requestContext, context.CancelFunc)
		want  error
	}{
		{"nothing", false, sleep(0), nil},
		{"nothing, with somebody who waits", true, sleep(0), nil},
		{"a long time, and nobody waits", false, sleep(2 * maxTime), nil},
		{"almost the time of who waits", true, sleep(maxTime - 1), nil},
		{"the time of who waits", true, sleep(maxTime), context.DeadlineExceeded},
		{"the connection", false, hangUp, context.Canceled},
		{"the connection, of who waits", true, hangUp, context.Canceled},
		{"the request", false, end, context.Canceled},
		{"the request, of who waits", true, end, context.Canceled},
	} {
		synctest.Test(t, func(t *testing.T) {
			connection, hangUp := context.WithCancel(context.WithValue(t.Context(), otherKey{}, "kept"))
			defer hangUp()
			ctx := &requestContext{Context: connection}
			defer ctx.end()
			var child context.Context = ctx
			if c.waits {
				var cancel context.CancelFunc
				child, cancel = context.WithCancel(ctx)
				defer cancel()
				if deadline, ok := child.Deadline(); !ok || time.Until(deadline) != maxTime {
					t.Errorf("%s: deadline %v, %v", c.name, deadline, ok)
				}
			}
			c.end(ctx, hangUp)
			synctest.Wait()
			for who, ctx := range map[string]context.Context{"it": ctx, "its child": child} {
				if got := ctx.Err(); !errors.Is(got, c.want) {
					t.Errorf("%s: %s has %v, want %v", c.name, who, got, c.want)
				}
				select {
				case <-ctx.Done():
					if c.want == nil {
						t.Errorf("%s: %s is done", c.name, who)
					}
				default:
					if c.want != nil {
						t.Errorf("%s: %s is not done", c.name, who)
					}
				}
			}
			if got := ctx.Value(otherKey{}); got != "kept" {
				t.Errorf("%s: the connection's value is %v", c.name, got)
			}
			if EventFrom(child) != &ctx.event {
				t.Errorf("%s: another event", c.name)
			}
		})
	}
}
