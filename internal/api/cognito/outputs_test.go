package cognito

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"idpool/internal/wire"
)

// TestOutputs holds that what an output writes by itself is what the encoder would
// write.
func TestOutputs(t *testing.T) {
	for name, draw := range map[string]func(t *rapid.T) wire.Appender{
		"ListIdentityPools": func(t *rapid.T) wire.Appender {
			out := listIdentityPoolsOutput{IdentityPools: []poolShort{}, NextToken: rapid.StringOf(rapid.Rune()).Draw(t, "token")}
			for range rapid.IntRange(0, 3).Draw(t, "pools") {
				out.IdentityPools = append(out.IdentityPools, poolShort{rapid.String().Draw(t, "id"), rapid.String().Draw(t, "name")})
			}
			return out
		},
		"GetId": func(t *rapid.T) wire.Appender { return getIDOutput{rapid.String().Draw(t, "id")} },
		"GetCredentialsForIdentity": func(t *rapid.T) wire.Appender {
			return getCredentialsForIdentityOutput{
				IdentityID: rapid.String().Draw(t, "id"),
				Credentials: credentials{
					AccessKeyID: rapid.String().Draw(t, "key"), SecretKey: rapid.String().Draw(t, "secret"), SessionToken: rapid.String().Draw(t, "token"),
					Expiration: wire.Time(time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "expiration"))),
				},
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				out := draw(t)
				want, err := json.Marshal(out)
				if got := out.AppendJSON(nil); string(got) != string(want) || err != nil {
					t.Fatalf("got %s\nwant %s, %v", got, want, err)
				}
			})
		})
	}
}
