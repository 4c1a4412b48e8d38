package wire

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const jsonType = "application/x-amz-json-1.1"

// wordsJSON are the framework's faults in the JSON protocol.
var wordsJSON = framework{
	serialization:    ClientFault("SerializationException").Early(),
	validation:       ClientFault("ValidationException"),
	unknownOperation: ClientFault("UnknownOperationException").Early(),
}

// serveJSON answers an AWS JSON 1.1 request. The order of the checks is that
// of behaviour 1.4.
func (h *Handler) serveJSON(ctx context.Context, r *http.Request, ev *Event, kind string, body []byte, room *room) answer {
	svc, op := h.target(r.Header.Get("X-Amz-Target"))
	if svc != nil {
		ev.Service = svc.Name
	}
	if op != nil {
		ev.Op = op.Name
	}
	fail := func(f *failure) answer {
		f.note(ev)
		return f.json()
	}
	switch {
	case kind == "application/json":
		return fail(&failure{Fault: wordsJSON.unknownOperation})
	case kind != jsonType && kind != "application/x-amz-json-1.0" && op == nil:
		return badRequest(ev)
	case kind != jsonType && kind != "application/x-amz-json-1.0":
		ev.Fault = wordsJSON.unknownOperation.Code
		return answer{status: http.StatusNotFound, kind: "text/xml", body: []byte("<UnknownOperationException/>\n")}
	case len(body) == 0 && op == nil:
		return fail(&failure{Fault: wordsJSON.unknownOperation})
	}
	in, err := parseJSON(body)
	if err != nil {
		return fail(&failure{Fault: wordsJSON.serialization, cause: err})
	}
	if op == nil {
		return fail(&failure{Fault: wordsJSON.unknownOperation})
	}
	out, f := svc.call(ctx, r, op, body, in, wordsJSON)
	if f != nil {
		return fail(f)
	}
	if _, none := out.(Empty); none {
		return answer{status: http.StatusOK, kind: jsonType}
	}
	text, err := room.encode(out)
	if err != nil {
		return fail(svc.fail(err))
	}
	return answer{status: http.StatusOK, kind: jsonType, body: text}
}

// Appender is an output that writes itself as JSON: one that is long and asked
// for often.
type Appender interface {
	AppendJSON([]byte) []byte
}

// AppendText appends a string as JSON.
func AppendText(b []byte, text string) []byte {
	if PlainText(text) {
		return append(append(append(b, '"'), text...), '"')
	}
	b, _ = jsontext.AppendQuote(b, text) // what is no UTF-8 becomes U+FFFD
	return b
}

// PlainText reports whether a text is in JSON what it is by itself, whoever writes
// it: printable ASCII without quotes and backslashes.
func PlainText(text string) bool {
	for i := range len(text) {
		if !plain[text[i]] {
			return false
		}
	}
	return true
}

var plain = func() (set [256]bool) {
	for c := ' '; c <= '~'; c++ {
		set[c] = c != '"' && c != '\\'
	}
	return set
}()

func (m *room) encode(out any) ([]byte, error) {
	if a, ok := out.(Appender); ok {
		m.answer = a.AppendJSON(m.answer[:0])
		return m.answer, nil
	}
	return json.Marshal(out, json.Deterministic(true))
}

// target finds the operation that X-Amz-Target names.
func (h *Handler) target(name string) (*Service, *Op) {
	prefix, opName, _ := strings.Cut(name, ".")
	for _, svc := range h.Services {
		if svc.Target != "" && svc.Target == prefix {
			return svc, svc.op(opName)
		}
	}
	return nil, nil
}

// json writes a failure as the JSON protocol does (behaviour 1.3).
func (f *failure) json() answer {
	body, _ := jsontext.AppendQuote([]byte(`{"__type":`), f.Code)
	if f.msg != "" {
		key := `,"message":`
		if f.early {
			key = `,"Message":`
		}
		body, _ = jsontext.AppendQuote(append(body, key...), strings.ToValidUTF8(f.msg, "\uFFFD"))
	}
	tail := ":"
	if f.early {
		tail = ":http://internal.amazon.com/coral/com.amazon.coral.service/"
	}
	return answer{status: f.Status, kind: jsonType, body: append(body, '}'), header: [2]string{f.Code + tail, f.msg}}
}

// Time is a moment in an answer of the JSON protocol: seconds since 1970 with
// up to three decimals.
type Time time.Time

// MarshalJSON writes the number.
func (t Time) MarshalJSON() ([]byte, error) { return t.AppendJSON(nil), nil }

// AppendJSON implements Appender.
func (t Time) AppendJSON(b []byte) []byte {
	ms := time.Time(t).UnixMilli()
	if ms%1000 == 0 {
		return strconv.AppendInt(b, ms/1000, 10)
	}
	return strconv.AppendFloat(b, float64(ms)/1000, 'f', 3, 64)
}

// UnmarshalJSON reads the number, for clients and tests.
func (t *Time) UnmarshalJSON(b []byte) error {
	seconds, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return errors.New("not a time in epoch seconds")
	}
	*t = Time(time.UnixMilli(int64(math.Round(seconds * 1000))).UTC())
	return nil
}
