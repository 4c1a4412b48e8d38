package logintest

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// API is what the providers that are asked about tokens have in common: a real
// HTTP server on loopback that is gone when the test ends. It is safe for
// concurrent use.
type API struct {
	URL string // its address, without a slash at the end

	server *httptest.Server
	now    func() time.Time

	mu      sync.Mutex
	instead http.Handler // of the usual answers
	asked   int
}

// newAPI starts an API that has the clock given.
func newAPI(t testing.TB, now func() time.Time, usual http.Handler) *API {
	t.Helper()
	a := &API{now: now}
	a.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.asked++
		h := a.instead
		a.mu.Unlock()
		if h == nil {
			h = usual
		}
		h.ServeHTTP(w, r)
	}))
	a.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	a.server.Start()
	a.URL = a.server.URL
	t.Cleanup(a.Close)
	return a
}

// Close stops the server: from now on the provider is down.
func (a *API) Close() {
	a.server.CloseClientConnections()
	a.server.Close()
}

// Answer has every question answered by a handler; nil has them answered as
// usual again.
func (a *API) Answer(h http.Handler) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.instead = h
}

// Asked is how often it was asked anything.
func (a *API) Asked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(toJSON(v))
}
