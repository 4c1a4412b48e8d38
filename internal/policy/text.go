package policy

import (
	"strings"
	"unicode/utf8"
)

// text is a string of a policy, compiled: a pattern if its wildcards count, and
// with places where the values of policy variables go.
type text struct {
	plain string // all of it, if it has no variables
	parts []part // otherwise
}

// part is a piece of a text: something plain, then a variable.
type part struct {
	plain string
	variable
}

// variable is "${key}" or "${key, 'fallback'}" (IAM User Guide, "IAM policy
// elements: Variables and tags").
type variable struct {
	name        string // as written; empty after the last piece
	key         string // in lower case
	fallback    string
	hasFallback bool
}

// compile compiles a string of a policy. Without variables (version 2008-10-17)
// a "${" is text like any other. Not ok means that it has a variable that is
// none.
func compile(s string, wild, variables bool) (text, bool) {
	plain := func(s string) string {
		if wild {
			return wildcards.Replace(s)
		}
		return s
	}
	if !variables {
		return text{plain: plain(s)}, true
	}
	var parts []part
	var b strings.Builder
	for {
		before, rest, more := strings.Cut(s, "${")
		b.WriteString(plain(before))
		if !more {
			break
		}
		inner, rest, closed := strings.Cut(rest, "}")
		if !closed {
			return text{}, false
		}
		s = rest
		if inner == "*" || inner == "?" || inner == "$" {
			b.WriteString(inner)
			continue
		}
		v, ok := parseVariable(inner)
		if !ok {
			return text{}, false
		}
		parts = append(parts, part{b.String(), v})
		b.Reset()
	}
	if parts == nil {
		return text{plain: b.String()}, true
	}
	return text{parts: append(parts, part{plain: b.String()})}, true
}

func parseVariable(s string) (variable, bool) {
	name, fallback, has := strings.Cut(s, ",")
	if name == "" || strings.TrimSpace(name) != name || strings.ContainsAny(name, "${'*?") {
		return variable{}, false
	}
	v := variable{name: name, key: strings.ToLower(name), hasFallback: has}
	if has {
		fallback = strings.TrimSpace(fallback)
		if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
			return variable{}, false
		}
		v.fallback = fallback[1 : len(fallback)-1]
	}
	return v, true
}

// expand puts the values of variables in. What comes from a variable is literal.
// missing names a variable that has no value: its key is absent, empty, or has
// several values.
func (t text) expand(c Context) (s, missing string) {
	if t.parts == nil {
		return t.plain, ""
	}
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.plain)
		if p.name == "" {
			break
		}
		switch values, _ := c.find(p.key); {
		case len(values) == 1 && values[0] != "" && utf8.ValidString(values[0]): // not valid: could be taken for wildcards
			b.WriteString(values[0])
		case len(values) <= 1 && p.hasFallback:
			b.WriteString(p.fallback)
		default:
			return "", p.name
		}
	}
	return b.String(), ""
}

// splitARN cuts an ARN into its components, at most six. A colon inside of a
// variable is not one between components.
func splitARN(s string, variables bool) []string {
	var out []string
	start, inside := 0, false
	for i := 0; i < len(s) && len(out) < 5; i++ {
		switch {
		case variables && strings.HasPrefix(s[i:], "${"):
			inside = true
		case inside && s[i] == '}':
			inside = false
		case !inside && s[i] == ':':
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// arnField is component n of an ARN, counted from 0; empty if there is none.
func arnField(arn string, n int) string {
	for range n {
		_, rest, ok := strings.Cut(arn, ":")
		if !ok {
			return ""
		}
		arn = rest
	}
	field, _, _ := strings.Cut(arn, ":")
	return field
}
