// Package internal_test holds the structure of the program: who may import
// whom, and on whose modules it stands.
package internal_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// may says which packages of this module a package may import. A "*" stands
// for everything. Never upward, never sideways inside a tier.
var may = map[string][]string{
	// 0: the domain, and what it is sealed with. Standard library only.
	"internal/idpool": {},
	"internal/policy": {},
	"internal/seal":   {},

	// 1: one technology each.
	"internal/wire":       {"internal/idpool"},
	"internal/login":      {"internal/idpool"},
	"internal/fetch":      {},
	"internal/limit":      {"internal/idpool"},
	"internal/token":      {"internal/idpool", "internal/seal"},
	"internal/credential": {"internal/idpool", "internal/seal", "internal/policy"},
	"internal/store":      {"internal/idpool"},
	"internal/devissuer":  {},
	"internal/saml":       {},
	"internal/metrics":    {},
	"internal/trace":      {},

	// 2: kinds of provider, engines of the store, and the STSs of others.
	"internal/login/oidc":      {"internal/idpool", "internal/login", "internal/fetch"},
	"internal/login/social":    {"internal/idpool", "internal/login", "internal/fetch"},
	"internal/login/saml":      {"internal/idpool", "internal/login", "internal/saml"},
	"internal/login/logintest": {},
	"internal/saml/samltest":   {},
	"internal/upstream":        {"internal/idpool", "internal/policy", "internal/credential", "internal/fetch"},
	"internal/store/sqlite":    {"internal/idpool", "internal/store"},
	"internal/store/postgres":  {"internal/idpool", "internal/store"},
	"internal/store/storetest": {"internal/idpool"},

	// 3: the services.
	"internal/api/cognito": {"internal/idpool", "internal/seal", "internal/wire", "internal/login", "internal/token", "internal/credential", "internal/upstream", "internal/limit"},
	"internal/api/sts":     {"internal/idpool", "internal/policy", "internal/wire", "internal/login", "internal/saml", "internal/token", "internal/credential", "internal/limit"},
	"internal/api/iam":     {"internal/idpool", "internal/policy", "internal/seal", "internal/wire", "internal/credential", "internal/limit", "internal/saml"},

	// 4: one handler from all of it; no concrete store, no concrete kind.
	"internal/server": {"internal/idpool", "internal/wire", "internal/token", "internal/devissuer", "internal/metrics", "internal/trace"},

	"internal/control": {"internal/credential", "internal/token"},

	// 5: wiring.
	"internal/node":    {"*"},
	"internal/bench":   {"*"},
	"idpooltest":       {"*"},
	"cmd/idpool":       {"*"},
	"e2e":              {},
	"examples/backend": {},

	// Tests only.
	"internal/freeport":              {},
	"internal/store/postgres/pgtest": {"internal/freeport"},
	"internal/vectors":               {},
}

// standardOnly are the packages that import nothing but the standard library.
var standardOnly = []string{"internal/idpool", "internal/policy", "internal/seal"}

func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "idpool/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], "idpool/")
		allowed, listed := may[name]
		if !listed {
			if name != "internal" { // this test
				t.Errorf("package %s is not in the table: say what it may import", name)
			}
			continue
		}
		seen++
		for _, imported := range fields[1:] {
			own, isOwn := strings.CutPrefix(imported, "idpool/")
			switch {
			case isOwn && !slices.Contains(allowed, own) && !slices.Contains(allowed, "*"):
				t.Errorf("%s imports %s", name, own)
			case !isOwn && strings.Contains(imported, ".") && slices.Contains(standardOnly, name):
				t.Errorf("%s imports %s; it may import the standard library only", name, imported)
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d packages were looked at", seen)
	}
}

// TestClock holds that only those who wire choose the clock: everybody else is
// given one.
func TestClock(t *testing.T) {
	out, err := exec.Command("git", "grep", "-nE", `time\.(Now|Since|Until)\(`, "--", "../internal/*.go", ":!*_test.go", ":!../internal/*test/*", ":!../internal/bench/*").Output()
	if err != nil && len(out) == 0 {
		return // git grep found nothing
	}
	t.Errorf("the clock is read where it should be passed in:\n%s", out)
}

var requirement = regexp.MustCompile(`(?m)^\t?(?:require )?([a-z0-9.]+\.[a-z]+/\S+) v\S+$`)

// TestDependencies holds that every direct dependency is named, with its
// reason, in docs/dependencies.md.
func TestDependencies(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := os.ReadFile("../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := requirement.FindAllStringSubmatch(string(mod), -1)
	if len(direct) < 5 {
		t.Fatalf("found only %d direct dependencies in go.mod", len(direct))
	}
	for _, m := range direct {
		if !strings.Contains(string(reasons), "`"+m[1]+"`") {
			t.Errorf("docs/dependencies.md does not say why %s is there", m[1])
		}
	}
}
