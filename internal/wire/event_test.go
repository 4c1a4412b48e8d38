package wire

import (
	"errors"
	"log/slog"
	"testing"
)

// TestMisplacedTokens holds that a token in a field where it does not belong is
// not logged, whole or cut off.
func TestMisplacedTokens(t *testing.T) {
	t.Parallel()
	for said, logged := range map[string]string{
		"eyJhbGci.eyJzdWIi.c2ln-_ is invalid":                                        "TOKEN is invalid",
		"Value 'eyJhbGci.eyJzdWIi...' at 'roleSessionName'":                          "Value 'TOKEN' at 'roleSessionName'",
		"{prov=eyJhbGci.eyJzdWIi.c2ln, second=eyJhbGci.eyJzdWIi.c2ln}":               "{prov=TOKEN, second=TOKEN}",
		"arn:aws:iam::111122223333:role/eyJ is invalid":                              "arn:aws:iam::111122223333:role/eyJ is invalid",
		"Invalid login token. Issuer doesn't match providerName accounts.google.com": "Invalid login token. Issuer doesn't match providerName accounts.google.com",
	} {
		ev := Event{Msg: said, Cause: errors.New(said)}
		got := map[string]slog.Value{}
		for _, attr := range ev.AppendLogAttrs(nil) {
			got[attr.Key] = attr.Value
		}
		if got["message"].String() != logged || got["cause"].String() != logged {
			t.Errorf("%q is logged as %q because %q", said, got["message"], got["cause"])
		}
	}
}
