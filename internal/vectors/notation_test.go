package vectors

import (
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const (
	ann = "us-east-1:019b7d2f-8a88-7abc-8def-0123456789ab"
	bob = "us-east-1:019b7d2f-8a88-7abc-8def-ba9876543210"
)

func TestMatch(t *testing.T) {
	for name, c := range map[string]struct {
		want, got string
		match     bool
	}{
		"the same":                    {`{"a":1}`, `{"a":1}`, true},
		"another byte":                {`{"a":1}`, `{"a":2}`, false},
		"more":                        {`{"a":1}`, `{"a":1} `, false},
		"less":                        {`{"a":1}`, `{"a":1`, false},
		"known":                       {`"${ann}"`, `"` + ann + `"`, true},
		"known, another":              {`"${ann}"`, `"` + bob + `"`, false},
		"new":                         {`"${identity}"`, `"` + bob + `"`, true},
		"new, but known":              {`"${identity}"`, `"` + ann + `"`, false},
		"new, of another kind":        {`"${pool}"`, `"` + bob + `"`, false},
		"new, with more":              {`"${identity}"`, `"` + bob + `0"`, false},
		"new, twice":                  {`${identity} ${identity}`, bob + " " + bob, true},
		"new, twice, not the same":    {`${identity} ${identity}`, bob + " " + strings.Replace(bob, "ba98", "ba97", 1), false},
		"two new ones":                {`${identity} ${identity2}`, bob + " " + strings.Replace(bob, "ba98", "ba97", 1), true},
		"two new ones, and it is one": {`${identity} ${identity2}`, bob + " " + bob, false},
		"of no kind":                  {`${nobody}`, `x`, false},
		"anything":                    {`<a>${*}</a>`, `<a>b</a>`, true},
		"anything, and then":          {`<a>${*}</a>`, `<a>b</b>`, false},
		"repeated":                    {`${ab*3}`, `ababab`, true},
		"repeated once too often":     {`${ab*3}`, `abababab`, false},
		"a byte":                      {`${\x00}`, "\x00", true},
		"of no meaning":               {`${A b}`, `${A b}`, false},
	} {
		if err := match(c.want, c.got, map[string]string{"ann": ann}); (err == nil) != c.match {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDescribe holds that an answer matches what -update writes for it, and
// that it does not match when one byte of it is another.
func TestDescribe(t *testing.T) {
	part := rapid.OneOf(
		rapid.StringMatching(`[a-z{}:", \\\n]{0,9}`),
		rapid.SampledFrom([]string{ann, bob, "us-east-1:0a0a0a0a-1111-4222-8333-444444444444", "ASIAABCDEFGHIJKLMNOP", `"NextToken":"` + strings.Repeat("x", 40) + `"`}),
		rapid.Map(rapid.IntRange(18, 40), func(n int) string { return strings.Repeat("é", n) }),
	)
	rapid.Check(t, func(t *rapid.T) {
		answer := "200\n" + strings.Join(rapid.SliceOfN(part, 1, 6).Draw(t, "answer"), "-")
		values := map[string]string{"ann": ann}
		want := describe(answer, "", values)
		if err := match(want, answer, maps.Clone(values)); err != nil {
			t.Fatalf("%q is written %q, which is another: %v", answer, want, err)
		}
		at := rapid.IntRange(0, len(answer)-1).Draw(t, "at")
		if strings.Contains(want, "${") {
			return // the value may be another one of its kind
		}
		other := answer[:at] + "#" + answer[at+1:]
		if match(want, other, maps.Clone(values)) == nil {
			t.Fatalf("%q matches %q", want, other)
		}
	})
}

func TestParse(t *testing.T) {
	const good = "# It works.\nop: GetId\nexpect: ok\n\n{}\n-- response --\n200\n\n{}\n\n"
	v, err := parse("a/b", good)
	if err != nil || v.request != "{}" || v.response != "200\n\n{}\n" || v.about != "It works." || v.op != "GetId" || v.expect != "ok" {
		t.Errorf("%+v, %v", v, err)
	}
	for name, text := range map[string]string{
		"says nothing":       strings.Replace(good, "# It works.\n", "", 1),
		"expects nothing":    strings.Replace(good, "expect: ok\n", "", 1),
		"expects two things": strings.Replace(good, "expect: ok\n", "expect: ok\nexpect: ok\n", 1),
		"an unknown line":    strings.Replace(good, "op: ", "operation: ", 1),
		"no response":        strings.Replace(good, "-- response --", "response", 1),
		"two responses":      good + "-- response --\n200\n",
	} {
		if v, err := parse("a/b", text); err == nil {
			t.Errorf("%s: read as %+v", name, v)
		}
	}
}
