package wire

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Shape is a constrained type of the service model. A zero bound means none.
type Shape interface {
	// fit reports how a value does not fit the type. It may convert the value
	// to fit.
	fit(v *value) (problem string)
	// check reports every constraint of the shape that a present value
	// breaks.
	check(c *checker, path string, v value)
}

// Str is a string. Length is counted in Unicode code points.
type Str struct {
	Min, Max  int
	Pattern   *Pattern
	Enum      []string
	Sensitive bool // never echoed
}

// Int is a 32-bit integer.
type Int struct{ Min, Max int64 }

// Long is a 64-bit integer.
type Long struct{ Min, Max int64 }

// Bool is true or false.
type Bool struct{}

// List is an array of one shape.
type List struct {
	Min, Max int
	Of       Shape
}

// Map is an object with free keys.
type Map struct {
	Max   int
	Key   Str
	Value Shape
}

// Struct is an object with named members, in the order of the service model.
type Struct []Member

// Member is one member of a Struct.
type Member struct {
	Name     string
	Required bool
	Shape    Shape
}

// Req makes a member that must be there.
func Req(name string, shape Shape) Member { return Member{name, true, shape} }

// Opt makes a member that may be absent.
func Opt(name string, shape Shape) Member { return Member{name, false, shape} }

func (s Struct) shapeOf(name string) Shape {
	for _, m := range s {
		if m.Name == name {
			return m.Shape
		}
	}
	return nil
}

// Pattern is a regular expression that a whole string must match.
type Pattern struct {
	text string // as the model writes it
	re   *regexp.Regexp
	runs []run // the same, if it is as simple as that
}

// matches reports whether a whole string matches.
func (p *Pattern) matches(text string) bool {
	if p.runs == nil {
		return p.re.MatchString(text)
	}
	return matchRuns(p.runs, text)
}

// Re compiles a pattern of the service model. It closes the gaps between the
// dialects that the model touches: \s and \S count the vertical tab, and \u00FF
// is a character.
func Re(text string) *Pattern {
	expr := strings.ReplaceAll(text, `[\S]`, `[^\t\n\x0b\f\r ]`)
	expr = strings.ReplaceAll(expr, `\s`, `\t\n\x0b\f\r `)
	expr = unicodeEscape.ReplaceAllString(expr, `\x{$1}`)
	return &Pattern{text: text, re: regexp.MustCompile(`\A(?:` + expr + `)\z`), runs: runsOf(expr)}
}

var unicodeEscape = regexp.MustCompile(`\\u([0-9A-F]{4})`)

// The texts of fit are those recorded for a sibling service (behaviour 1.8).
const (
	noList      = "Start of list found where not expected"
	noStructure = "Start of structure or map found where not expected."
)

func noScalar(kind jsontext.Kind) (problem string) {
	switch kind {
	case '[':
		return noList
	case '{':
		return noStructure
	}
	return ""
}

func (Str) fit(v *value) string {
	switch v.kind {
	case '0':
		return "class java.math.BigDecimal can not be converted to an String"
	case 't', 'f':
		return "class java.lang.Boolean can not be converted to an String"
	}
	return noScalar(v.kind)
}

func (Bool) fit(v *value) string {
	switch v.kind {
	case '0':
		return "class java.math.BigDecimal can not be converted to an Boolean"
	case '"':
		switch strings.ToLower(v.text) {
		case "true", "1", "yes":
			*v = value{kind: 't'}
		case "false", "0", "no":
			*v = value{kind: 'f'}
		default:
			return fmt.Sprintf("'%s' can not be converted to an Boolean", strings.ToUpper(shorten(v.text)))
		}
		return ""
	}
	return noScalar(v.kind)
}

func (Int) fit(v *value) string  { return fitInteger(v, "Integer", 32) }
func (Long) fit(v *value) string { return fitInteger(v, "Long", 64) }

func fitInteger(v *value, name string, bits int) string {
	switch v.kind {
	case '"':
		return "class java.lang.String can not be converted to an " + name
	case 't', 'f':
		return "class java.lang.Boolean can not be converted to an " + name
	case '0':
		n, problem := integer(v.text, bits)
		if problem != "" {
			return problem
		}
		v.text = n
		return ""
	}
	return noScalar(v.kind)
}

// integer rounds a number literal down to a whole one of so many bits.
func integer(literal string, bits int) (text, problem string) {
	if n, err := strconv.ParseInt(literal, 10, bits); err == nil {
		return strconv.FormatInt(n, 10), ""
	}
	const tooLong = "the number has too many digits"
	if len(literal) > 64 {
		return "", tooLong
	}
	if _, exponent, has := strings.Cut(strings.ToLower(literal), "e"); has && len(exponent) > 4 {
		return "", tooLong // 1e999999999 would be a number of a billion digits
	}
	r, ok := new(big.Rat).SetString(literal)
	if !ok {
		return "", "not a number"
	}
	n := new(big.Int)
	n.Div(r.Num(), r.Denom()) // the denominator is positive: Euclidean division is floor
	if limit := new(big.Int).Lsh(big.NewInt(1), uint(bits-1)); n.Cmp(limit) >= 0 || n.Cmp(limit.Neg(limit)) < 0 {
		return "", "the number is out of range"
	}
	return n.String(), ""
}

func (l List) fit(v *value) string {
	switch v.kind {
	case '{':
		return noStructure
	case '[':
		return fitAll(v.items, func(i int) (*value, Shape) { return &v.items[i], l.Of })
	}
	return "Expected list or null"
}

func (m Map) fit(v *value) string {
	switch v.kind {
	case '[':
		return noList
	case '{':
		return fitAll(v.members, func(i int) (*value, Shape) { return &v.members[i].value, m.Value })
	}
	return "Expected map or null"
}

func (s Struct) fit(v *value) string {
	switch v.kind {
	case '[':
		return noList
	case '{':
		for _, m := range v.members {
			if meant := s.caseVariant(m.name); meant != "" {
				return fmt.Sprintf("Member '%s' is spelled '%s'", shorten(m.name), meant)
			}
		}
		return fitAll(v.members, func(i int) (*value, Shape) { return &v.members[i].value, s.shapeOf(v.members[i].name) })
	}
	return "Expected null"
}

// caseVariant returns the member that a name differs from in case only. An
// unknown member is ignored, but one of these is a mistake that would be read
// differently by others.
func (s Struct) caseVariant(name string) string {
	for _, m := range s {
		if m.Name != name && strings.EqualFold(m.Name, name) {
			return m.Name
		}
	}
	return ""
}

func fitAll[T any](parts []T, at func(int) (*value, Shape)) (problem string) {
	for i := range parts {
		v, shape := at(i)
		if shape == nil || !v.present() {
			continue
		}
		if problem := shape.fit(v); problem != "" {
			return problem
		}
	}
	return ""
}

// maxViolations is how many violations one text tells (behaviour 1.7): an
// answer must not be many times as long as its request.
const maxViolations = 10

// checker gathers violations in the order of the shapes.
type checker struct{ violations []string }

func (c *checker) add(path string, shape Shape, v value, constraint string) {
	if len(c.violations) == maxViolations {
		return
	}
	printed := "Value null"
	if v.present() {
		printed = "Value '" + v.print(shape) + "'"
		if s, ok := shape.(Str); ok && s.Sensitive {
			printed = "Value"
		}
	}
	c.violations = append(c.violations, fmt.Sprintf("%s at '%s' failed to satisfy constraint: %s", printed, path, constraint))
}

// message words the violations as one text (behaviour 1.7); empty if there are
// none.
func (c *checker) message() string {
	switch n := len(c.violations); n {
	case 0:
		return ""
	case 1:
		return "1 validation error detected: " + c.violations[0]
	default:
		return fmt.Sprintf("%d validation errors detected: %s", n, strings.Join(c.violations, "; "))
	}
}

const notNull = "Member must not be null"

func (s Struct) check(c *checker, path string, v value) {
	for _, m := range s {
		got := v.at(m.Name)
		if text, ok := m.Shape.(Str); ok && got.present() && text.fine(got.text) || !got.present() && !m.Required {
			continue // most members, and no path is made for them
		}
		at := lowerFirst(m.Name)
		if path != "" {
			at = path + "." + at
		}
		if got.present() {
			m.Shape.check(c, at, got)
		} else {
			c.add(at, m.Shape, value{}, notNull)
		}
	}
}

func (s Str) check(c *checker, path string, v value) {
	for _, broken := range s.broken(v.text) {
		c.add(path, s, v, broken)
	}
}

// fine reports whether a string breaks no constraint.
func (s Str) fine(text string) bool {
	if s.Pattern != nil && !s.Pattern.matches(text) || s.Enum != nil && !slices.Contains(s.Enum, text) {
		return false
	}
	if most, least := len(text), (len(text)+utf8.UTFMax-1)/utf8.UTFMax; least >= s.Min && (s.Max == 0 || most <= s.Max) {
		return true // however its characters are encoded
	}
	n := utf8.RuneCountInString(text)
	return n >= s.Min && (s.Max == 0 || n <= s.Max)
}

// broken lists the constraints that a string breaks.
func (s Str) broken(text string) (out []string) {
	if s.fine(text) {
		return nil
	}
	if s.Pattern != nil && !s.Pattern.matches(text) {
		out = append(out, "Member must satisfy regular expression pattern: "+s.Pattern.text)
	}
	n := utf8.RuneCountInString(text)
	if s.Max > 0 && n > s.Max {
		out = append(out, fmt.Sprintf("Member must have length less than or equal to %d", s.Max))
	}
	if n < s.Min {
		out = append(out, fmt.Sprintf("Member must have length greater than or equal to %d", s.Min))
	}
	if s.Enum != nil && !slices.Contains(s.Enum, text) {
		out = append(out, "Member must satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]")
	}
	return out
}

// all lists every constraint of the shape, as the bracketed form for keys,
// values and elements shows them.
func (s Str) all() string {
	var out []string
	if s.Max > 0 {
		out = append(out, fmt.Sprintf("Member must have length less than or equal to %d", s.Max))
	}
	if s.Min > 0 || s.Max > 0 {
		out = append(out, fmt.Sprintf("Member must have length greater than or equal to %d", s.Min))
	}
	if s.Pattern != nil {
		out = append(out, "Member must satisfy regular expression pattern: "+s.Pattern.text)
	}
	if s.Enum != nil {
		out = append(out, "Member must satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]")
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (i Int) check(c *checker, path string, v value)  { checkInteger(c, i, i.Min, i.Max, path, v) }
func (l Long) check(c *checker, path string, v value) { checkInteger(c, l, l.Min, l.Max, path, v) }

func checkInteger(c *checker, shape Shape, low, high int64, path string, v value) {
	if low == 0 && high == 0 {
		return
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil {
		return // fit made it a whole number of 64 bits at most
	}
	if n < low {
		c.add(path, shape, v, fmt.Sprintf("Member must have value greater than or equal to %d", low))
	}
	if n > high {
		c.add(path, shape, v, fmt.Sprintf("Member must have value less than or equal to %d", high))
	}
}

func (Bool) check(*checker, string, value) {}

func (l List) check(c *checker, path string, v value) {
	if l.Max > 0 && len(v.items) > l.Max {
		c.add(path, l, v, fmt.Sprintf("Member must have length less than or equal to %d", l.Max))
	}
	if len(v.items) < l.Min {
		c.add(path, l, v, fmt.Sprintf("Member must have length greater than or equal to %d", l.Min))
	}
	of, scalar := l.Of.(Str)
	broken := false
	for i, item := range v.items {
		at := fmt.Sprintf("%s.%d.member", path, i+1)
		switch {
		case !item.present():
			c.add(at, l.Of, item, notNull)
		case scalar:
			broken = broken || !of.fine(item.text)
		default:
			l.Of.check(c, at, item)
		}
	}
	if broken { // elements of a list of strings are complained about on the list
		c.add(path, l, v, "Member must satisfy constraint: "+of.all())
	}
}

func (m Map) check(c *checker, path string, v value) {
	if m.Max > 0 && len(v.members) > m.Max {
		c.add(path, m, v, fmt.Sprintf("Member must have length less than or equal to %d", m.Max))
	}
	of, scalar := m.Value.(Str)
	badKey, badValue := false, false
	for _, entry := range v.sorted() {
		badKey = badKey || !m.Key.fine(entry.name)
		at := func() string { return path + "." + shorten(entry.name) + ".member" }
		switch {
		case !entry.value.present():
			c.add(at(), m.Value, entry.value, notNull)
		case scalar:
			badValue = badValue || !of.fine(entry.value.text)
		default:
			m.Value.check(c, at(), entry.value)
		}
	}
	if badKey {
		c.add(path, m, v, "Map keys must satisfy constraint: "+m.Key.all())
	}
	if badValue {
		c.add(path, m, v, "Map value must satisfy constraint: "+of.all())
	}
}

// lowerFirst turns a member's name into its spelling in a path.
func lowerFirst(name string) string {
	r, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(r)) + name[n:]
}

// shorten bounds what a message echoes of a stranger's text. A map's longest
// key, 128 characters, is left as it is.
func shorten(text string) string {
	if len(text) > 512 {
		return strings.ToValidUTF8(text[:512], "") + "..."
	}
	return text
}
