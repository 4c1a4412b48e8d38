package idpool_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idpool/internal/idpool"
)

// TestPrincipalTags is which claims become which tags (behaviour 6.6).
func TestPrincipalTags(t *testing.T) {
	person := from(idpool.Claims{
		"team": "red", "level": json.Number("7"), "admin": true, "one": []any{"only"}, "two": []any{"a", "b"}, "none": []any{}, "null": nil,
		"object": map[string]any{"a": "b"}, "empty": "", "deep": []any{[]any{"x"}}, "sub": "ann",
	})
	other := idpool.VerifiedLogin{Login: idpool.Login{Provider: userPool, Subject: "bea"}, TagsKey: userPool, Client: "app", Claims: idpool.Claims{"team": "blue", "email": "b@example.com"}}
	all := idpool.AttributeMap{Tags: map[string]string{
		"Team": "team", "Level": "level", "Admin": "admin", "One": "one", "Two": "two", "None": "none", "Null": "null", "Object": "object", "Empty": "empty", "Deep": "deep", "Missing": "missing", "Again": "team",
	}}
	for name, row := range map[string]struct {
		maps   map[string]idpool.AttributeMap
		logins []idpool.VerifiedLogin
		want   map[string]string
	}{
		"no map":   {nil, []idpool.VerifiedLogin{person}, nil},
		"guest":    {map[string]idpool.AttributeMap{provider: all}, nil, nil},
		"claims":   {map[string]idpool.AttributeMap{provider: all}, []idpool.VerifiedLogin{person}, map[string]string{"Team": "red", "Again": "red", "Level": "7", "Admin": "true", "One": "only"}},
		"defaults": {map[string]idpool.AttributeMap{provider: {UseDefaults: true, Tags: all.Tags}}, []idpool.VerifiedLogin{person}, map[string]string{"username": "ann", "client": "web"}},
		"defaults of the kind of provider": {map[string]idpool.AttributeMap{"saml": {UseDefaults: true}},
			[]idpool.VerifiedLogin{{Login: idpool.Login{Provider: "saml", Subject: "ann"}, TagsKey: "saml", Client: "web", DefaultTags: map[string]string{"username": "a1"}}}, map[string]string{"username": "a1"}},
		"turned off":  {map[string]idpool.AttributeMap{provider: {}}, []idpool.VerifiedLogin{person}, nil},
		"other's map": {map[string]idpool.AttributeMap{userPool: all}, []idpool.VerifiedLogin{person}, nil},
		"the first by provider fills a tag": {map[string]idpool.AttributeMap{provider: {Tags: map[string]string{"Team": "team"}}, userPool: {Tags: map[string]string{"Team": "team", "Mail": "email"}}},
			[]idpool.VerifiedLogin{other, person}, map[string]string{"Team": "blue", "Mail": "b@example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := idpool.NewOpenID(idpool.Pool{AttributeMaps: row.maps}, "us-east-1:1", row.logins)
			if diff := cmp.Diff(row.want, o.Tags); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
		})
	}
}
