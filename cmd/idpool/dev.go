package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"idpool/internal/devissuer"
)

type devCommand struct {
	Token devTokenCommand `cmd:"" help:"Print a token of the development issuer."`
}

type devTokenCommand struct {
	Sub         string            `required:"" help:"Subject: who the token is about."`
	Aud         string            `help:"Audience: the application it is meant for."`
	Claim       map[string]string `help:"A further claim, NAME=VALUE. A VALUE that is JSON is taken as JSON; else as a string." mapsep:"none"`
	ExpiresIn   *int64            `help:"Seconds until it expires; --expires-in=-60 makes one that has expired. Default 3600." placeholder:"SECONDS"`
	EndpointURL string            `name:"endpoint-url" env:"AWS_ENDPOINT_URL" help:"The server, in development mode. Default: http://127.0.0.1:8437." placeholder:"URL"`
}

// Run prints the token alone, so that it can stand in a command substitution.
func (c devTokenCommand) Run(ctx context.Context, s streams) error {
	wish := devissuer.Wish{Subject: c.Sub, Audience: c.Aud, ExpiresIn: c.ExpiresIn, Claims: map[string]any{}}
	for name, text := range c.Claim {
		wish.Claims[name] = text
		if json.Valid([]byte(text)) {
			wish.Claims[name] = json.RawMessage(text) // as it was typed
		}
	}
	body, err := json.Marshal(wish)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	endpoint := cmp.Or(c.EndpointURL, "http://127.0.0.1:8437")
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/dev/token", bytes.NewReader(body))
	if err != nil {
		return usageError{err}
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return hinted{err, "is a server running in development mode? Start one with: idpool serve --dev"}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	var out struct {
		IDToken     string `json:"id_token"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(answer, &out); resp.StatusCode == http.StatusNotFound || err != nil {
		return hinted{fmt.Errorf("%s has no development issuer (status %d)", endpoint, resp.StatusCode), "start the server with --dev"}
	}
	if out.IDToken == "" {
		return fmt.Errorf("the development issuer refused: %s", cmp.Or(out.Description, resp.Status))
	}
	_, err = fmt.Fprintln(s.out, out.IDToken)
	return err
}
