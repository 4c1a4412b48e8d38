package wire

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// selfWriting is an output that writes itself.
type selfWriting struct{ texts []string }

func (o selfWriting) AppendJSON(b []byte) []byte {
	b = append(b, '[')
	for i, text := range o.texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendText(b, text)
	}
	return append(b, ']')
}

// TestRequestsDoNotMix holds that each of many requests at once gets its own
// answer, although they use the same memory one after the other, and that an
// operation may keep what it was given.
func TestRequestsDoNotMix(t *testing.T) {
	t.Parallel()
	var kept sync.Map
	h := &Handler{Services: []*Service{{Target: "ToyService", Faults: toyFaults, Ops: []Op{
		Public("Repeat", Struct{Req("Text", Str{}), Req("Times", Int{})}, func(_ context.Context, in struct {
			Text  string
			Times int
		}) (out selfWriting, err error) {
			kept.Store(in.Text, in.Times)
			for range in.Times {
				out.texts = append(out.texts, in.Text)
			}
			return out, nil
		}),
	}}}, Now: time.Now, Observe: func(context.Context, *Event) {}}
	const sides, requests = 8, 200
	var done sync.WaitGroup
	for side := range sides {
		done.Go(func() {
			for i := range requests {
				text := fmt.Sprintf("side %d, request %d, %s", side, i, strings.Repeat(fmt.Sprint(side), i))
				times := 1 + i*i%300 // some answers are longer than what is kept
				w := httptest.NewRecorder()
				h.ServeHTTP(w, jsonRequest("Repeat", fmt.Sprintf(`{"Text":%q,"Times":%d}`, text, times)))
				want := `["` + text + `"` + strings.Repeat(`,"`+text+`"`, times-1) + `]`
				if got := w.Body.String(); w.Code != 200 || got != want {
					t.Errorf("status %d, got %.100s\nwant %.100s", w.Code, got, want)
				}
			}
		})
	}
	done.Wait()
	count := 0
	kept.Range(func(text, _ any) bool {
		count++
		if !strings.HasPrefix(text.(string), "side ") {
			t.Errorf("an operation kept %q", text)
		}
		return true
	})
	if count != sides*requests {
		t.Errorf("%d texts were kept, want %d", count, sides*requests)
	}
}
