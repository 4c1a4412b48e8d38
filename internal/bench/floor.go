package bench

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
)

// verifyHeader asks the floor to verify a signature of an algorithm, RS256 or
// ES256, with each request from now on.
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
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	short, err := ecdsa.SignASN1(rand.Reader, curve, digest[:])
	if err != nil {
		return nil, err
	}
	verifications := map[string]func() bool{
		"":      func() bool { return true },
		"RS256": func() bool { return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature) == nil },
		"ES256": func() bool { return ecdsa.VerifyASN1(&curve.PublicKey, digest[:], short) },
	}
	type lesson struct {
		answer []byte
		verify func() bool
	}
	var taught atomic.Pointer[lesson]
	taught.Store(&lesson{verify: verifications[""]})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, max(r.ContentLength, 0))
		if _, err := io.ReadFull(r.Body, body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if r.Method == http.MethodPut {
			taught.Store(&lesson{body, verifications[r.Header.Get(verifyHeader)]})
			return
		}
		now := taught.Load()
		if !now.verify() {
			http.Error(w, "the signature does not verify", http.StatusInternalServerError)
			return
		}
		w.Header()["Content-Type"] = []string{"application/x-amz-json-1.1"}
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(now.answer))}
		w.Write(now.answer)
	}), nil
}

func setFloor(ctx context.Context, host string, answer []byte, b bound) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+host+"/", bytes.NewReader(answer))
	if err != nil {
		return err
	}
	switch b {
	case verified:
		r.Header.Set(verifyHeader, "RS256")
	case verifiedEC:
		r.Header.Set(verifyHeader, "ES256")
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
