package bench

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
)

// verifyHeader asks the floor to verify a signature with each request from now
// on.
const verifyHeader = "X-Bench-Verify"

// Floor is the bare handler: it reads the request and writes the bytes that it
// was taught by a PUT.
func Floor() (http.Handler, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte("what was signed"))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return nil, err
	}
	type lesson struct {
		answer []byte
		verify bool
	}
	var taught atomic.Pointer[lesson]
	taught.Store(&lesson{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, max(r.ContentLength, 0))
		if _, err := io.ReadFull(r.Body, body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if r.Method == http.MethodPut {
			taught.Store(&lesson{body, r.Header.Get(verifyHeader) != ""})
			return
		}
		now := taught.Load()
		if now.verify {
			if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		w.Header()["Content-Type"] = []string{"application/x-amz-json-1.1"}
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(now.answer))}
		w.Write(now.answer)
	}), nil
}

func setFloor(ctx context.Context, host string, answer []byte, verify bool) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+host+"/", bytes.NewReader(answer))
	if err != nil {
		return err
	}
	if verify {
		r.Header.Set(verifyHeader, "yes")
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
