package wire

import (
	"context"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestKeptStrings: whoever keeps a short string of a long request keeps the
// string, not the request.
func TestKeptStrings(t *testing.T) {
	var kept []string
	op := Public("Keep", Struct{Req("Text", Str{}), Opt("Pad", Str{})}, func(_ context.Context, in struct{ Text, Pad string }) (Empty, error) {
		kept = append(kept, in.Text)
		return Empty{}, nil
	})
	h := &Handler{Services: []*Service{
		{Target: "ToyService", Faults: toyFaults, Ops: []Op{op}},
		{Version: "2020-01-01", Faults: toyFaults, Ops: []Op{op}},
	}, Now: time.Now, Observe: func(context.Context, *Event) {}}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	pad := strings.Repeat("x", MaxBody-1000)
	before := heap()
	const requests = 60
	for i := range requests / 2 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, jsonRequest("Keep", fmt.Sprintf(`{"Text":"%d","Pad":"%s"}`, i, pad)))
		r := httptest.NewRequest("POST", "/", strings.NewReader(fmt.Sprintf("Action=Keep&Version=2020-01-01&Text=%d&Pad=%s", i, pad)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if len(kept) != requests {
		t.Fatalf("%d requests were served", len(kept))
	}
	if grown := int64(heap()) - int64(before); grown > 10<<20 {
		t.Errorf("%d strings of a character or two hold %d MB", requests, grown>>20)
	}
	runtime.KeepAlive(kept)
}
