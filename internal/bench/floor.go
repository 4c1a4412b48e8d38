package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
)

// Floor is the bare handler: it reads the request and writes the bytes that it
// was taught by a PUT.
func Floor() http.Handler {
	var answer atomic.Pointer[[]byte]
	answer.Store(&[]byte{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, max(r.ContentLength, 0))
		if _, err := io.ReadFull(r.Body, body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if r.Method == http.MethodPut {
			answer.Store(&body)
			return
		}
		out := *answer.Load()
		w.Header()["Content-Type"] = []string{"application/x-amz-json-1.1"}
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(out))}
		w.Write(out)
	})
}

func setFloor(ctx context.Context, host string, answer []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+host+"/", bytes.NewReader(answer))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the floor answered %s", resp.Status)
	}
	return nil
}
