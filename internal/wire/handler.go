package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"idpool/internal/idpool"
)

// MaxBody bounds a request's body in bytes. The largest useful one, ten logins
// of 50,000 characters, is half of it.
const MaxBody = 1 << 20

// maxTime bounds how long one request may wait, for other servers or the store.
const maxTime = 25 * time.Second

// Handler serves the services of both protocols at one address.
type Handler struct {
	Services []*Service
	Now      func() time.Time
	// Observe gets the event of each request, once, before the answer is
	// sent.
	Observe func(context.Context, *Event)
}

// answer is a finished response.
type answer struct {
	status int
	kind   string // Content-Type; none for an empty body
	body   []byte
	header [2]string // x-amzn-ErrorType and x-amzn-ErrorMessage
	close  bool
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := h.Now()
	id := idpool.NewRequestID()
	if r.Method == http.MethodOptions && r.Header.Get("Origin") != "" {
		preflight(w, r, id)
		return
	}
	ctx := &requestContext{Context: r.Context(), event: Event{RequestID: id, Remote: r.RemoteAddr, Secure: r.TLS != nil}}
	defer ctx.end()
	ev := &ctx.event
	room := rooms.Get().(*room)
	a := h.answer(ctx, r, ev, room)
	ev.Status, ev.Took = a.status, h.Now().Sub(start)
	h.Observe(ctx, ev)
	err := write(w, r, id, a)
	if err == nil && cap(room.request)+cap(room.answer) <= maxRoom { // after a failure somebody may still read from it
		rooms.Put(room)
	}
}

// room is the memory for the bytes of a request and of its answer. Nobody may keep
// any of it: the next request gets the same.
type room struct{ request, answer []byte }

var rooms = sync.Pool{New: func() any { return new(room) }}

// maxRoom bounds what is kept; longer requests and answers are rare.
const maxRoom = 64 << 10

func (h *Handler) answer(ctx context.Context, r *http.Request, ev *Event, room *room) answer {
	body, err := room.read(r)
	if err != nil {
		ev.Cause = err
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			ev.Fault = "RequestEntityTooLarge"
			return answer{status: http.StatusRequestEntityTooLarge, close: true}
		}
		return badRequest(ev) // the client went away or was too slow
	}
	kind := mediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method == http.MethodPost && kind == formType,
		r.Method == http.MethodGet && strings.Contains(r.URL.RawQuery, "Action="):
		return h.serveQuery(ctx, r, ev, body)
	case r.Method == http.MethodPost:
		return h.serveJSON(ctx, r, ev, kind, body, room)
	}
	return badRequest(ev)
}

// mediaType is a content type without its parameters.
func mediaType(header string) string {
	if header == jsonType || header == formType {
		return header // as all SDKs write it
	}
	kind, _, _ := mime.ParseMediaType(header)
	return kind
}

// read reads a bounded body.
func (m *room) read(r *http.Request) ([]byte, error) {
	if n := r.ContentLength; n > 0 && n <= MaxBody {
		m.request = slices.Grow(m.request[:0], int(n))[:n]
		_, err := io.ReadFull(r.Body, m.request)
		return m.request, err
	}
	return io.ReadAll(http.MaxBytesReader(nil, r.Body, MaxBody))
}

// call runs an operation and turns a panic into an internal failure: one
// request's misfortune must not be another's.
func (s *Service) call(ctx context.Context, r *http.Request, op *Op, body []byte, in value, words framework) (out any, f *failure) {
	defer func() {
		if p := recover(); p != nil {
			f = s.fail(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	return s.run(ctx, r, op, body, in, words)
}

// note copies a failure into the event.
func (f *failure) note(ev *Event) {
	ev.Fault, ev.Msg, ev.Cause = f.Code, f.msg, f.cause
}

func badRequest(ev *Event) answer {
	ev.Fault = "BadRequest"
	return answer{status: http.StatusBadRequest, kind: "application/json",
		body: []byte(`{"code":"BadRequest","message":"The server did not understand the operation that was requested.","type":"client"}`)}
}

// write sends an answer with its length, so that it leaves in one piece.
func write(w http.ResponseWriter, r *http.Request, requestID string, a answer) error {
	header := w.Header()
	values := []string{requestID, strconv.Itoa(len(a.body)), a.kind} // of the headers that nearly all answers have
	header["x-amzn-RequestId"], header["Content-Length"] = values[0:1:1], values[1:2:2]
	if a.kind != "" {
		header["Content-Type"] = values[2:3:3]
	}
	if r.Header.Get("Origin") != "" {
		header["Access-Control-Allow-Origin"] = []string{"*"}
		header["Access-Control-Expose-Headers"] = []string{"x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"}
	}
	if a.header[0] != "" {
		header["x-amzn-ErrorType"] = []string{a.header[0]}
	}
	if headerText(a.header[1]) {
		header["x-amzn-ErrorMessage"] = []string{a.header[1]}
	}
	if a.close {
		header["Connection"] = []string{"close"}
	}
	w.WriteHeader(a.status)
	_, err := w.Write(a.body)
	return err
}

// headerText reports whether a message can stand in a header as it is.
func headerText(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= 1024
}

// preflight answers a browser that asks before it sends (behaviour 1.5).
func preflight(w http.ResponseWriter, r *http.Request, requestID string) {
	header := w.Header()
	header["x-amzn-RequestId"] = []string{requestID}
	header.Set("Access-Control-Allow-Origin", "*")
	if want := r.Header.Get("Access-Control-Request-Headers"); want != "" {
		header.Set("Access-Control-Allow-Headers", want)
	}
	if want := r.Header.Get("Access-Control-Request-Method"); want != "" {
		header.Set("Access-Control-Allow-Methods", want)
	}
	header.Set("Access-Control-Max-Age", "172800")
	header.Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}
