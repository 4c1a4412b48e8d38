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

	"github.com/spf13/cobra"

	"idpool/internal/devissuer"
)

func devCommand() *cobra.Command {
	return group("dev", "Tools for development mode.", new(devTokenCommand).command())
}

type devTokenCommand struct {
	Sub         string
	Aud         string
	Claim       map[string]string
	ExpiresIn   *int64
	EndpointURL string
}

func (c *devTokenCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "token --sub NAME [flags]", Short: "Print a token of the development issuer.",
		Args: noArguments, RunE: runs(c.run),
	}
	expiresIn := func(text string) error {
		c.ExpiresIn = new(int64)
		return integer(c.ExpiresIn)(text)
	}
	define(cmd,
		flag{name: "sub", to: text(&c.Sub), kind: "NAME", required: true, help: "Subject: who the token is about."},
		flag{name: "aud", to: text(&c.Aud), kind: "ID", help: "Audience: the application it is meant for."},
		flag{name: "claim", to: pair(&c.Claim), kind: "NAME=VALUE", help: "A further claim. A VALUE that is JSON is taken as JSON; else as a string."},
		flag{name: "expires-in", to: expiresIn, kind: "SECONDS", help: "Seconds until it expires; -60 makes one that has expired. Default: 3600."},
		flag{name: "endpoint-url", to: text(&c.EndpointURL), kind: "URL", env: "AWS_ENDPOINT_URL", value: "http://127.0.0.1:8437", help: "The server, in development mode."},
	)
	return cmd
}

// run prints the token alone, so that it can stand in a command substitution.
func (c *devTokenCommand) run(ctx context.Context, s streams) error {
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
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.EndpointURL+"/dev/token", bytes.NewReader(body))
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
		return hinted{fmt.Errorf("%s has no development issuer (status %d)", c.EndpointURL, resp.StatusCode), "start the server with --dev"}
	}
	if out.IDToken == "" {
		return fmt.Errorf("the development issuer refused: %s", cmp.Or(out.Description, resp.Status))
	}
	_, err = fmt.Fprintln(s.out, out.IDToken)
	return err
}
