package wire

import (
	"context"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"idpool/internal/idpool"
)

// Event is the story of one request, filled on its way down and written once
// at its end. It holds names and IDs, never a token or a secret.
type Event struct {
	RequestID string
	Service   string
	Op        string
	Remote    string // address of the client, with port
	Secure    bool   // it came over TLS

	Account   string
	Region    string
	AccessKey string // ID of the key that signed
	Principal string // ARN of the caller

	Pool      idpool.PoolID
	Identity  idpool.IdentityID
	Providers []string          // presented
	Role      string            // ARN
	RoleSteps []idpool.RoleStep // how the role was found
	Upstream  string            // name of the STS that was asked for the role, if not ours
	Tags      []string          // keys of the principal tags
	Outcome   string            // what a rule decided: created, found, linked, merged …

	Status int
	Fault  string // code sent; empty for success
	Msg    string // message sent with it
	Cause  error  // detail not sent
	Took   time.Duration
}

type eventKey struct{}

// EventFrom returns the event of the request that ctx belongs to. Outside of a
// request it returns one that nobody writes.
func EventFrom(ctx context.Context) *Event {
	if ev, ok := ctx.Value(eventKey{}).(*Event); ok {
		return ev
	}
	return &Event{}
}

// Client is the address of the client; the zero value if it has none, as on a
// Unix socket.
func (ev *Event) Client() netip.Addr {
	at, _ := netip.ParseAddrPort(ev.Remote)
	return at.Addr().Unmap()
}

// tokenForm is what a signed token looks like, or the beginning of one.
var tokenForm = regexp.MustCompile(`eyJ[\w-]+\.[\w.-]*`)

// withoutTokens takes the tokens out of a text. A client that puts one where it
// does not belong reads it in the answer, as at AWS; the log must not keep it.
func withoutTokens(text string) string {
	if !strings.Contains(text, "eyJ") {
		return text
	}
	return tokenForm.ReplaceAllString(text, "TOKEN")
}

// AppendLogAttrs appends the event's attributes for a log line; empty ones are
// left out.
func (ev *Event) AppendLogAttrs(attrs []slog.Attr) []slog.Attr {
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	add("request", ev.RequestID)
	add("service", ev.Service)
	add("op", ev.Op)
	attrs = append(attrs, slog.Int("status", ev.Status))
	add("fault", ev.Fault)
	add("remote", ev.Remote)
	add("account", ev.Account)
	add("region", ev.Region)
	add("key", ev.AccessKey)
	add("principal", ev.Principal)
	add("pool", string(ev.Pool))
	add("identity", string(ev.Identity))
	if len(ev.Providers) > 0 {
		attrs = append(attrs, slog.Any("providers", ev.Providers))
	}
	add("role", ev.Role)
	if len(ev.RoleSteps) > 0 {
		attrs = append(attrs, slog.Any("role_steps", ev.RoleSteps))
	}
	add("upstream", ev.Upstream)
	if len(ev.Tags) > 0 {
		attrs = append(attrs, slog.Any("tags", ev.Tags))
	}
	add("outcome", ev.Outcome)
	add("message", withoutTokens(ev.Msg))
	if ev.Cause != nil {
		attrs = append(attrs, slog.String("cause", withoutTokens(ev.Cause.Error())))
	}
	return append(attrs, slog.Duration("took", ev.Took))
}
