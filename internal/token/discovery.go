package token

import (
	"encoding/json"
	"net/http"
)

// cacheFor is how long relying parties may keep our documents: far shorter
// than the day by which a new key is published before it signs.
const cacheFor = "public, max-age=3600"

// discovery is the document that tells relying parties where our keys are
// (OpenID Connect Discovery 1.0, section 3).
type discovery struct {
	Issuer        string   `json:"issuer"`
	JWKSURI       string   `json:"jwks_uri"`
	Authorization string   `json:"authorization_endpoint"`
	ResponseTypes []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	Claims        []string `json:"claims_supported"`
}

// Mount adds the discovery document and the key set to a mux. The key set
// stands under the hosted service's odd name and under the usual one.
func (i *Issuer) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		document(w, discovery{
			Issuer:        i.URL,
			JWKSURI:       i.URL + "/.well-known/jwks_uri",
			Authorization: i.URL + "/authorize", // required by the standard; nobody signs in here
			ResponseTypes: []string{"id_token"},
			SubjectTypes:  []string{"public"},
			Algorithms:    []string{"RS512"},
			Claims:        []string{"sub", "aud", "amr", "iss", "exp", "iat"},
		})
	})
	keys := func(w http.ResponseWriter, r *http.Request) {
		set, err := i.Keys.Set(r.Context())
		if err != nil {
			http.Error(w, "the keys cannot be read", http.StatusServiceUnavailable)
			return
		}
		document(w, set)
	}
	mux.HandleFunc("GET /.well-known/jwks_uri", keys)
	mux.HandleFunc("GET /.well-known/jwks.json", keys)
}

func document(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the document cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", cacheFor)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Write(body)
}
