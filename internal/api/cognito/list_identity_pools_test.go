package cognito

import (
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

// TestListIdentityPoolsOutput holds that what the output writes by itself is
// what the encoder would write.
func TestListIdentityPoolsOutput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		out := listIdentityPoolsOutput{IdentityPools: []poolShort{}, NextToken: rapid.StringOf(rapid.Rune()).Draw(t, "token")}
		for range rapid.IntRange(0, 3).Draw(t, "pools") {
			out.IdentityPools = append(out.IdentityPools, poolShort{rapid.String().Draw(t, "id"), rapid.String().Draw(t, "name")})
		}
		want, err := json.Marshal(out)
		if got := out.AppendJSON(nil); string(got) != string(want) || err != nil {
			t.Fatalf("got %s\nwant %s, %v", got, want, err)
		}
	})
}
