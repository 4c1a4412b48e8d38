package wire

import (
	"context"
	"sync"
	"time"
)

// requestContext is the context of a request: it has the event in it, and ends
// maxTime after somebody first waited for it. Most requests wait for nobody; the
// timer, which costs as much as all else here, is made for the first who does.
type requestContext struct {
	context.Context // the connection's
	event           Event

	mu      sync.Mutex
	bounded context.Context // nil: nobody has waited yet
	cancel  context.CancelFunc
}

// bound is the context with the timer.
func (c *requestContext) bound() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bounded == nil {
		c.bounded, c.cancel = context.WithTimeout(c.Context, maxTime)
	}
	return c.bounded
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

// Deadline implements context.Context.
func (c *requestContext) Deadline() (time.Time, bool) { return c.bound().Deadline() }

// Done implements context.Context.
func (c *requestContext) Done() <-chan struct{} { return c.bound().Done() }

// Err implements context.Context.
func (c *requestContext) Err() error { return c.held().Err() }

// Value implements context.Context.
func (c *requestContext) Value(key any) any {
	if _, ok := key.(eventKey); ok {
		return &c.event
	}
	return c.held().Value(key)
}

// end stops the timer, and tells those who still wait.
func (c *requestContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
}
