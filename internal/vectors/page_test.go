package vectors

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"idpool/internal/idpool"
)

const page = "../../docs/operations.md"

// TestPage holds that docs/operations.md is what the tables of the services and
// the vectors say.
func TestPage(t *testing.T) {
	want := writePage(byOperation(readAll(t)), neverRaised(t))
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/operations.md is stale: run \"make gen\"\n%v", differ(want, string(got)))
	}
}

func writePage(of map[string][]*vector, never map[string]bool) string {
	var b strings.Builder
	b.WriteString(`# Operations

Written by ` + "`make gen`" + ` from the tables of the services and from the [vectors](../internal/vectors/testdata/vectors/README.md); do not edit.

A caller who signs needs permission for the operation on the resource named; an account's root has it. After each error that an operation
declares stands the number of its vectors; why some are never raised stands in [divergences.md](divergences.md#errors-that-cannot-be-raised-here).
Every operation can also fail in the ways of the framework: constraints, types, signatures, permissions.
`)
	for _, s := range services {
		fmt.Fprintf(&b, "\n## %s\n\n| operation | signed | resource | declared errors | vectors |\n|---|---|---|---|---|\n", s.Name)
		for _, op := range s.Ops {
			o := operation{op, s}
			signed, resource := "yes", "`"+op.ResourceOf(idpool.Caller{Account: "ACCOUNT", Region: "REGION"}, placeholder)+"`"
			if op.Public {
				signed = "no"
			}
			if op.Public || s.Authorize == nil && resource == "`*`" { // nobody is asked
				resource = ""
			}
			name, vectors := op.Name, of[op.Name]
			if _, err := os.Stat(folder + "/" + op.Name); err == nil {
				name = fmt.Sprintf("[%s](../internal/vectors/%s/%s)", op.Name, folder, op.Name)
			}
			var errors []string
			for _, code := range o.declared() {
				n := 0
				for _, v := range vectors {
					if v.expect == code {
						n++
					}
				}
				switch {
				case never[op.Name+" "+code]:
					errors = append(errors, code+" never")
				case covered(o):
					errors = append(errors, fmt.Sprintf("%s %d", code, n))
				default:
					errors = append(errors, code)
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %d |\n", name, signed, resource, strings.Join(errors, ", "), len(vectors))
		}
	}
	return b.String()
}

// placeholder stands for a member of an input.
func placeholder(member string) string {
	if member == "IdentityPoolId" {
		return "REGION:ID"
	}
	return "(" + member + ")"
}
