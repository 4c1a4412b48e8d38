package wire

import (
	"context"
	"sync"
	"time"
)

// requestContext is the context of a request: it has the event in it, and ends
// maxTime after it began. Most requests wait for nobody; the timer, which costs
// as much as all else here, is made for the first who does.
type requestContext struct {
	context.Context // the connection's
	deadline        time.Time
	event           Event

	mu      sync.Mutex
	bounded context.Context // nil: nobody has waited yet
	cancel  context.CancelFunc
}

// Deadline implements context.Context. The connection's context has none.
func (c *requestContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done implements context.Context.
func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bounded == nil {
		c.bounded, c.cancel = context.WithDeadline(c.Context, c.deadline)
	}
	return c.bounded.Done()
}

// Err implements context.Context.
func (c *requestContext) Err() error {
	if held := c.held(); held != c.Context {
		return held.Err()
	}
	if err := c.Context.Err(); err != nil {
		return err
	}
	if !time.Now().Before(c.deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// Value implements context.Context.
func (c *requestContext) Value(key any) any {
	if _, ok := key.(eventKey); ok {
		return &c.event
	}
	return c.held().Value(key)
}

// held is the context with the timer, or the connection's if there is none.
func (c *requestContext) held() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bounded == nil {
		return c.Context
	}
	return c.bounded
}

// end stops the timer, and tells those who still wait.
func (c *requestContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
}
