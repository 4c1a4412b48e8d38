package vectors

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// piece is a part of a text: literal, or the inside of a ${…}.
type piece struct {
	literal string
	name    string // of a value; "*" for any text
	login   string // of "${login …}": its arguments, which can hold values
	saml    string // of "${saml …}": likewise
}

var (
	braces   = regexp.MustCompile(`\$\{((?:[^${}\n]|\$\{[^${}\n]+\})+)\}`)
	repeated = regexp.MustCompile(`^(.+)\*([0-9]+)$`)
	valueish = regexp.MustCompile(`^([a-z]+[0-9]*|\*)$`)
)

// split takes a text apart. "${\x00}" is the byte, "${ab*3}" is "ababab".
func split(text string) ([]piece, error) {
	var out []piece
	add := func(literal string) {
		if n := len(out); n > 0 && out[n-1].name == "" && out[n-1].login == "" && out[n-1].saml == "" {
			out[n-1].literal += literal
		} else if literal != "" {
			out = append(out, piece{literal: literal})
		}
	}
	end := 0
	for _, at := range braces.FindAllStringSubmatchIndex(text, -1) {
		add(text[end:at[0]])
		end = at[1]
		inside := text[at[2]:at[3]]
		arguments, isLogin := strings.CutPrefix(inside, "login ")
		wishes, isSAML := strings.CutPrefix(inside, "saml ")
		switch m := repeated.FindStringSubmatch(inside); {
		case isLogin:
			out = append(out, piece{login: arguments})
		case isSAML:
			out = append(out, piece{saml: wishes})
		case strings.HasPrefix(inside, `\`):
			text, err := strconv.Unquote(`"` + inside + `"`)
			if err != nil {
				return nil, fmt.Errorf("${%s}: %w", inside, err)
			}
			add(text)
		case m != nil:
			n, err := strconv.Atoi(m[2])
			if err != nil {
				return nil, fmt.Errorf("${%s}: %w", inside, err)
			}
			add(strings.Repeat(m[1], n))
		case valueish.MatchString(inside):
			out = append(out, piece{name: inside})
		default:
			return nil, fmt.Errorf("${%s} means nothing", inside)
		}
	}
	add(text[end:])
	return out, nil
}

// kind is a sort of value that is not known beforehand.
type kind struct {
	member string // of an answer, where it is found
	form   *regexp.Regexp
	plain  bool // nothing else looks like it
}

const v4, v7 = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`, `[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`

var kinds = map[string]kind{
	"pool":     {"IdentityPoolId", regexp.MustCompile(`\b[a-z][a-z0-9-]*:` + v4), true},
	"identity": {"IdentityId", regexp.MustCompile(`\b[a-z][a-z0-9-]*:` + v7), true},
	"token":    {"Token", regexp.MustCompile(`\beyJ[\w-]+\.[\w-]+\.[\w-]{342}`), true}, // RSA, 2,048 bits
	"key":      {"AccessKeyId", regexp.MustCompile(`\bASIA[A-Z2-7]{16}\b`), true},
	"role":     {"AssumedRoleId", regexp.MustCompile(`\bAROA[A-Z0-9]{17}\b`), true},
	"user":     {"UserId", regexp.MustCompile(`\bAIDA[A-Z0-9]{17}\b`), true},
	"secret":   {"SecretKey|SecretAccessKey", regexp.MustCompile(`[A-Za-z0-9+/]{40}`), false},
	"session":  {"SessionToken", regexp.MustCompile(`[A-Za-z0-9+/]{100,}={0,2}`), false},
	"next":     {"NextToken", regexp.MustCompile(`[\w-]{40,}`), false},
	"request":  {"RequestId", regexp.MustCompile(v4), false},
	"guid":     {"", regexp.MustCompile(v4 + "|" + v7), false},
}

// in finds the member that holds a value in an answer of either protocol.
func in(member, form string) *regexp.Regexp {
	return regexp.MustCompile(`(?:"(?:` + member + `)":"|<(?:` + member + `)>)(` + form + `)["<]`)
}

// kindOf is the kind of a value by its name: pool2 is a pool.
func kindOf(name string) (kind, bool) {
	k, ok := kinds[strings.TrimRight(name, "0123456789")]
	return k, ok
}

// match compares a text with what it should be. A value that is known must be
// the same; one that is not must have the form of its kind, and is known from
// then on.
func match(want, got string, values map[string]string) error {
	pieces, err := split(want)
	if err != nil {
		return err
	}
	rest := got
	for i, p := range pieces {
		known, isKnown := values[p.name]
		switch {
		case p.login != "" || p.saml != "":
			return fmt.Errorf("a login has no place in an answer")
		case p.name == "":
			if !strings.HasPrefix(rest, p.literal) {
				return differ(p.literal, rest)
			}
			rest = rest[len(p.literal):]
		case p.name == "*":
			at := len(rest)
			if i+1 < len(pieces) {
				if at = strings.Index(rest, pieces[i+1].literal); at < 0 {
					return differ(pieces[i+1].literal, rest)
				}
			}
			rest = rest[at:]
		case isKnown:
			if !strings.HasPrefix(rest, known) {
				return fmt.Errorf("${%s}: %w", p.name, differ(known, rest))
			}
			rest = rest[len(known):]
		default:
			k, ok := kindOf(p.name)
			if !ok {
				return fmt.Errorf("there is no value ${%s}", p.name)
			}
			at := k.form.FindStringIndex(rest)
			if at == nil || at[0] != 0 {
				return fmt.Errorf("${%s} is not one: %.80q", p.name, rest)
			}
			fresh := rest[:at[1]]
			for name, known := range values {
				if known == fresh {
					return fmt.Errorf("${%s} should be new, and is ${%s}", p.name, name)
				}
			}
			values[p.name], rest = fresh, rest[at[1]:]
		}
	}
	if rest != "" {
		return fmt.Errorf("there is more: %.200q", rest)
	}
	return nil
}

// differ shows where two texts part.
func differ(want, got string) error {
	n := 0
	for n < min(len(want), len(got)) && want[n] == got[n] {
		n++
	}
	start := max(0, n-30)
	return fmt.Errorf("got %.200q, want %.200q", got[start:], want[start:])
}

// all finds the values of a kind in an answer.
func (k kind) all(got string) (found []string) {
	switch {
	case k.plain:
		return k.form.FindAllString(got, -1)
	case k.member != "":
		for _, m := range in(k.member, k.form.String()).FindAllStringSubmatch(got, -1) {
			found = append(found, m[1])
		}
	}
	return found
}

// describe writes an answer as a vector has it: match takes what it returns.
// What stands in the request as it is stays as it is.
func describe(got, request string, values map[string]string) string {
	known := maps.Clone(values)
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		for _, found := range kinds[name].all(got) {
			if !strings.Contains(request, found) && !slices.Contains(slices.Collect(maps.Values(known)), found) {
				fresh := name
				for n := 2; known[fresh] != ""; n++ {
					fresh = name + strconv.Itoa(n)
				}
				known[fresh] = found
			}
		}
	}
	longest := slices.SortedFunc(maps.Keys(known), func(a, b string) int {
		if n := len(known[b]) - len(known[a]); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	for _, name := range longest {
		if len(known[name]) >= 12 {
			got = strings.ReplaceAll(got, known[name], "${"+name+"}")
		}
	}
	return shortenRuns(got)
}

// shortenRuns writes a character that stands many times in a row once.
func shortenRuns(text string) string {
	var out strings.Builder
	for text != "" {
		_, size := utf8.DecodeRuneInString(text)
		one, n := text[:size], 1
		for strings.HasPrefix(text[n*size:], one) {
			n++
		}
		if n >= 20 && one != "\n" && one != "}" {
			fmt.Fprintf(&out, "${%s*%d}", one, n)
		} else {
			out.WriteString(text[:n*size])
		}
		text = text[n*size:]
	}
	return out.String()
}
