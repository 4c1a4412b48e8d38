// Package devissuer is the issuer of development mode: it signs whatever it is
// asked to, so that a developer has a person's token in one command.
//
//	POST /dev/token {"sub":"alice","aud":"web"} ─► {"id_token":"…"}
//
// Its tokens are verified like those of any other issuer, over its discovery
// document and key set. The key lives as long as the process.
package devissuer

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Issuer signs tokens for anybody who can reach it.
type Issuer struct {
	url string
	now func() time.Time
	key jose.JSONWebKey
}

// New makes an issuer whose address is url. Its key is fresh: an ES256 key,
// because it is made in no time.
func New(url string, now func() time.Time) (*Issuer, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of the development issuer: %w", err)
	}
	key := jose.JSONWebKey{Key: private, KeyID: rand.Text(), Algorithm: string(jose.ES256), Use: "sig"}
	return &Issuer{url: url, now: now, key: key}, nil
}

// Name is the issuer's provider name: its address without the scheme.
func (i *Issuer) Name() string {
	_, name, _ := strings.Cut(i.url, "://")
	return name
}

// Wish is what the token should say.
type Wish struct {
	Subject   string         `json:"sub"`
	Audience  string         `json:"aud"`
	Claims    map[string]any `json:"claims,omitempty"`
	ExpiresIn *int64         `json:"expires_in,omitempty"` // seconds, 3600 if absent; below zero makes an expired token
}

// Mount adds the issuer's addresses below /dev to a mux.
func (i *Issuer) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /dev/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{
			"issuer":                                i.url,
			"jwks_uri":                              i.url + "/jwks",
			"response_types_supported":              []string{"id_token"},
			"subject_types_supported":               []string{"public"},
			"id_token_signing_alg_values_supported": []string{string(jose.ES256)},
		})
	})
	mux.HandleFunc("GET /dev/jwks", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.key.Public()}})
	})
	mux.HandleFunc("POST /dev/token", func(w http.ResponseWriter, r *http.Request) {
		var wish Wish
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err == nil {
			dec := json.NewDecoder(bytes.NewReader(body))
			dec.UseNumber()
			dec.DisallowUnknownFields()
			err = dec.Decode(&wish)
			if _, more := dec.Token(); err == nil && more != io.EOF {
				err = fmt.Errorf("there is something after the wish")
			}
		}
		if err == nil && wish.Subject == "" {
			err = fmt.Errorf("sub is missing")
		}
		if err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": err.Error()})
			return
		}
		token, err := i.Token(wish)
		if err != nil {
			answer(w, http.StatusInternalServerError, map[string]string{"error": "server_error", "error_description": err.Error()})
			return
		}
		answer(w, http.StatusOK, map[string]string{"id_token": token})
	})
}

// Token signs a token. The claims of the wish win over those that the issuer
// sets itself, so that any token can be forged, a wrong one too.
func (i *Issuer) Token(wish Wish) (string, error) {
	lifetime := int64(3600)
	if wish.ExpiresIn != nil {
		lifetime = *wish.ExpiresIn
	}
	now := i.now().Unix()
	claims := map[string]any{"iss": i.url, "sub": wish.Subject, "iat": now, "exp": now + lifetime}
	if wish.Audience != "" {
		claims["aud"] = wish.Audience
	}
	maps.Copy(claims, wish.Claims)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: i.key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims) // go-jose's own encoder makes strings of numbers that were read exactly
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
