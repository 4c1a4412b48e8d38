package wire

import (
	"strings"
	"testing"
)

// simple are patterns of the service model that are runs, others are not.
var (
	simple = []string{`[\w-]+:[0-9a-f-]+`, `[\w\s+=,.@-]+`, `\d+`, `[\w.;_/-]+`, `[\w_]+`, `ab[0-9]+c`, `[a-f]+-x`}
	others = []string{`[\S]+`, `(un)?authenticated`, `[\p{L}]+`, `[\w-]+-x`, `a*`, `(?i)abc`, `a|b`, `[\u00FF]+`, `ab?`}
)

func TestRuns(t *testing.T) {
	for _, text := range simple {
		if Re(text).runs == nil {
			t.Errorf("%s is not taken for runs", text)
		}
	}
	for _, text := range others {
		if Re(text).runs != nil {
			t.Errorf("%s is taken for runs", text)
		}
	}
}

// FuzzRuns holds that runs and regular expressions say the same.
func FuzzRuns(f *testing.F) {
	for _, text := range []string{"", "us-east-1:0a0a0a0a-1111-7222-8333-444444444444", "us-east-1:", ":a", "a:b:c", "a b", "12", "ab12c", "abc", "ab1", "a-x", "é", "a\n", "a\x80", strings.Repeat("a", 200) + ":b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range simple {
			if p := Re(p); p.matches(text) != p.re.MatchString(text) {
				t.Errorf("%q and %s: runs say %t", text, p.text, p.matches(text))
			}
		}
	})
}
