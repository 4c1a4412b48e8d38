package vectors

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"idpool/internal/wire"
)

// undeclared are the errors that every operation of a service can have: those
// of the framework, and what the service's documentation calls common.
var undeclared = map[string][]string{
	"cognito-identity": {"ValidationException", "SerializationException", "UnknownOperationException", "AccessDeniedException", "413",
		"MissingAuthenticationTokenException", "IncompleteSignatureException", "InvalidSignatureException", "UnrecognizedClientException", "ExpiredTokenException"},
	"sts": {"ValidationError", "InvalidParameterValue", "MalformedInput", "AccessDenied", "Throttling", "ServiceUnavailable",
		"MissingAuthenticationToken", "IncompleteSignature", "SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken"},
}

// covered reports whether an operation must have vectors: all but those of IAM,
// which have tests of their own.
func covered(op operation) bool { return op.service.Name != "iam" }

// declared are the codes that an operation declares.
func (o operation) declared() []string {
	var codes []string
	for _, kind := range o.Errors {
		codes = append(codes, o.service.Faults[kind].Code)
	}
	return codes
}

// byOperation are the vectors of each operation.
func byOperation(all []*vector) map[string][]*vector {
	of := map[string][]*vector{}
	for _, v := range all {
		of[v.op] = append(of[v.op], v)
	}
	return of
}

func expects(vs []*vector, code string) bool {
	return slices.ContainsFunc(vs, func(v *vector) bool { return v.expect == code })
}

// TestErrorsHaveVectors holds that each operation is seen to succeed and to
// fail with every error that it declares, or that docs/divergences.md says why
// it never does; and that it fails with no others.
func TestErrorsHaveVectors(t *testing.T) {
	of, never := byOperation(readAll(t)), neverRaised(t)
	seen := 0
	for name, op := range operations {
		vs := of[name]
		if !covered(op) {
			continue
		}
		if !expects(vs, "ok") {
			t.Errorf("%s: no vector is a success", name)
		}
		declared := op.declared()
		for _, code := range declared {
			seen++
			switch has, excused := expects(vs, code), never[name+" "+code]; {
			case !has && !excused:
				t.Errorf("%s: no vector has %s, and docs/divergences.md does not say that it is never raised", name, code)
			case has && excused:
				t.Errorf("%s: a vector has %s, and docs/divergences.md says that it is never raised", name, code)
			}
			delete(never, name+" "+code)
		}
		for _, v := range vs {
			if v.expect != "ok" && !slices.Contains(declared, v.expect) && !slices.Contains(undeclared[op.service.Name], v.expect) {
				t.Errorf("%s: %s does not declare %s", v.name, name, v.expect)
			}
		}
	}
	for row := range never {
		t.Errorf("docs/divergences.md says that %s is never raised; it is not declared", row)
	}
	if seen < 100 {
		t.Errorf("only %d declared errors were looked at", seen)
	}
}

var neverRow = regexp.MustCompile(`(?m)^\| ([A-Za-z, ]+) \| (\w+) \| \S.* \|$`)

// neverRaised reads the table of errors that cannot be raised: "OPERATION
// ERROR" for each.
func neverRaised(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../docs/divergences.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(text), "\n## Errors that cannot be raised here\n")
	part, _, _ = strings.Cut(part, "\n## ")
	rows := neverRow.FindAllStringSubmatch(part, -1)
	if !found || len(rows) < 2 {
		t.Fatal("docs/divergences.md has no table of errors that cannot be raised here")
	}
	never := map[string]bool{}
	for _, row := range rows[1:] { // after the heads of the columns
		for op := range strings.SplitSeq(row[1], ", ") {
			if never[op+" "+row[2]] {
				t.Errorf("docs/divergences.md says twice that %s never raises %s", op, row[2])
			}
			never[op+" "+row[2]] = true
		}
	}
	return never
}

// TestConstraintsHaveVectors holds that each constraint of each member of each
// input is broken by some vector of the operation.
func TestConstraintsHaveVectors(t *testing.T) {
	of := byOperation(readAll(t))
	seen := 0
	for name, op := range operations {
		if !covered(op) {
			continue
		}
		var texts strings.Builder
		for _, v := range of[name] {
			texts.WriteString(strings.ReplaceAll(v.response, `\\`, `\`) + "\n")
		}
		for _, want := range violations(op.Shape, "") {
			seen++
			if !regexp.MustCompile(want).MatchString(texts.String()) {
				t.Errorf("%s: no vector has the violation %s", name, want)
			}
		}
	}
	if seen < 200 {
		t.Errorf("only %d constraints were looked at", seen)
	}
}

// violations are patterns of the texts of all that can be wrong with a shape.
func violations(shape wire.Shape, path string) (out []string) {
	add := func(format string, args ...any) {
		out = append(out, " at '"+path+"' failed to satisfy constraint: "+fmt.Sprintf(format, args...))
	}
	switch s := shape.(type) {
	case wire.Struct:
		for _, m := range s {
			at := strings.ToLower(m.Name[:1]) + m.Name[1:]
			if path != "" {
				at = path + `\.` + at
			}
			if m.Required {
				out = append(out, "Value null at '"+at+"' failed to satisfy constraint: Member must not be null")
			}
			out = append(out, violations(m.Shape, at)...)
		}
	case wire.Str:
		if s.Min > 0 {
			add("Member must have length greater than or equal to %d", s.Min)
		}
		if s.Max > 0 {
			add("Member must have length less than or equal to %d", s.Max)
		}
		if s.Pattern != nil {
			add("Member must satisfy regular expression pattern: ")
		}
		if s.Enum != nil {
			add(`Member must satisfy enum value set: \[%s\]`, strings.Join(s.Enum, ", "))
		}
	case wire.Int:
		add("Member must have value greater than or equal to %d", s.Min)
		add("Member must have value less than or equal to %d", s.Max)
	case wire.Long:
		add("Member must have value greater than or equal to %d", s.Min)
		add("Member must have value less than or equal to %d", s.Max)
	case wire.List:
		if s.Min > 0 {
			add("Member must have length greater than or equal to %d", s.Min)
		}
		if s.Max > 0 {
			add("Member must have length less than or equal to %d", s.Max)
		}
		if _, scalar := s.Of.(wire.Str); scalar {
			add(`Member must satisfy constraint: \[`)
		} else {
			out = append(out, violations(s.Of, path+`\.[0-9]+\.member`)...)
		}
	case wire.Map:
		if s.Max > 0 {
			add("Member must have length less than or equal to %d", s.Max)
		}
		add(`Map keys must satisfy constraint: \[`)
		if _, scalar := s.Value.(wire.Str); scalar {
			add(`Map value must satisfy constraint: \[`)
		} else {
			out = append(out, violations(s.Value, path+`\.[^']*\.member`)...)
		}
	}
	return out
}
