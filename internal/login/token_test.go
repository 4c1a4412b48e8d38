package login_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	jsonv2 "github.com/go-json-experiment/json"

	"idpool/internal/idpool"
	"idpool/internal/login"
)

const secret = "eyJhbGciOiJub25lIn0.c2VjcmV0.c2lnbmF0dXJl"

// Formats that vet would not let through.
var noVerb, everyVerb = "x", "%s %v %x %d"

// wantHidden wants nothing of the secret in a text, in whichever spelling.
func wantHidden(t *testing.T, how, text string) {
	t.Helper()
	for _, spelling := range []string{secret, strings.ToUpper(secret), hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))), secret[:20], secret[20:]} {
		if strings.Contains(text, spelling) {
			t.Errorf("%s shows the token: %s", how, text)
			return
		}
	}
}

// TestTokenCannotBePrinted tries every verb and flag of package fmt, alone and
// inside of what may hold a token.
func TestTokenCannotBePrinted(t *testing.T) {
	token := login.Token(secret)
	presented := login.Presented{Provider: "a.example", Token: token}
	values := map[string]any{
		"token": token, "pointer": &token, "presented": presented, "pointer to presented": &presented,
		"list": []login.Token{token}, "presented list": []login.Presented{presented}, "array": [1]login.Token{token},
		"map": map[string]login.Token{"a": token}, "keys of a map": map[login.Token]int{token: 1}, "any": []any{token},
	}
	verbs := 0
	for name, v := range values {
		for verb := '!'; verb <= '~'; verb++ {
			if verb == 'p' || verb == 'w' { // no type has a say in these; vet refuses them
				continue
			}
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "+#", "100", ".100"} {
				verbs++
				wantHidden(t, fmt.Sprintf("%%%s%c of a %s", flags, verb, name), fmt.Sprintf("%"+flags+string(verb), v))
			}
		}
		wantHidden(t, "Sprint of a "+name, fmt.Sprint(v))
		wantHidden(t, "Sprintln of a "+name, fmt.Sprintln("x", v))
		wantHidden(t, "an extra "+name, fmt.Sprintf(noVerb, v))
		wantHidden(t, "an error with a "+name, fmt.Errorf("refused %v: %w", v, errors.New("y")).Error())
		wantHidden(t, "a message with a "+name, idpool.Errorf(idpool.Invalid, "no %s", v).Error())
		wantHidden(t, "a cause with a "+name, login.Unsupported(fmt.Errorf("%d", v)).Error())
		var b bytes.Buffer
		log.New(&b, "", 0).Print(v)
		wantHidden(t, "package log with a "+name, b.String())
	}
	if verbs < 5000 {
		t.Errorf("only %d verbs were tried", verbs)
	}
	if got := fmt.Sprintf(everyVerb, token, token, token, token); got != `[token] [token] [token] [token]` {
		t.Errorf("a token reads %s", got)
	}
	if token.Reveal() != secret {
		t.Error("the token is gone")
	}
}

func TestTokenCannotBeEncoded(t *testing.T) {
	token := login.Token(secret)
	presented := login.Presented{Provider: "a.example", Token: token}
	values := map[string]any{"token": token, "pointer": &token, "presented": presented, "list": []login.Presented{presented}, "map": map[string]login.Token{"a": token}}
	for name, v := range values {
		if text, err := json.Marshal(v); err != nil {
			t.Errorf("JSON of a %s: %v", name, err)
		} else {
			wantHidden(t, "JSON of a "+name, string(text))
		}
		if text, err := jsonv2.Marshal(v); err != nil {
			t.Errorf("the other JSON of a %s: %v", name, err)
		} else {
			wantHidden(t, "the other JSON of a "+name, string(text))
		}
		if text, err := xml.Marshal(v); err == nil { // it takes no maps
			wantHidden(t, "XML of a "+name, string(text))
		}
		var b bytes.Buffer
		if err := template.Must(template.New("").Parse(`{{.}} {{printf "%d" .}}`)).Execute(&b, v); err != nil {
			t.Errorf("template with a %s: %v", name, err)
		}
		wantHidden(t, "a template with a "+name, b.String())
	}
}

func TestTokenCannotBeLogged(t *testing.T) {
	token := login.Token(secret)
	presented := login.Presented{Provider: "a.example", Token: token}
	for format, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler {
			return slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})
		},
		"json": func(b *bytes.Buffer) slog.Handler {
			return slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})
		},
	} {
		var b bytes.Buffer
		logger := slog.New(handler(&b)).With("token", token, "presented", presented)
		logger.Debug("x", "token", token, "pointer", &token, "presented", presented, "pointer to presented", &presented,
			"list", []login.Presented{presented}, "map", map[string]login.Token{"a": token}, "error", login.Unsupported(fmt.Errorf("%v", presented)))
		logger.Info(fmt.Sprint(presented), slog.Group("group", "token", token, slog.Any("any", []any{token, presented})))
		if !strings.Contains(b.String(), "[token]") {
			t.Errorf("%s: nothing was logged: %s", format, b.String())
		}
		wantHidden(t, "slog as "+format, b.String())
	}
}
