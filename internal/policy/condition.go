package policy

import (
	"bytes"
	"encoding/base64"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// family is what the values of a condition operator are.
type family int

const (
	exact family = iota
	folded
	likes
	arns
	numbers
	dates
	booleans
	binaries
	addresses
	nulls
)

// operator is a condition operator without what surrounds it: the set operator
// before, IfExists behind.
type operator struct {
	family  family
	negated bool
	holds   func(order int) bool // numbers and dates: how the value found may stand to the one wanted
}

func equal(order int) bool          { return order == 0 }
func less(order int) bool           { return order < 0 }
func lessOrEqual(order int) bool    { return order <= 0 }
func greater(order int) bool        { return order > 0 }
func greaterOrEqual(order int) bool { return order >= 0 }

// operators are all of the IAM User Guide, "IAM JSON policy elements: Condition
// operators".
var operators = map[string]operator{
	"StringEquals":              {family: exact},
	"StringNotEquals":           {family: exact, negated: true},
	"StringEqualsIgnoreCase":    {family: folded},
	"StringNotEqualsIgnoreCase": {family: folded, negated: true},
	"StringLike":                {family: likes},
	"StringNotLike":             {family: likes, negated: true},
	"NumericEquals":             {family: numbers, holds: equal},
	"NumericNotEquals":          {family: numbers, holds: equal, negated: true},
	"NumericLessThan":           {family: numbers, holds: less},
	"NumericLessThanEquals":     {family: numbers, holds: lessOrEqual},
	"NumericGreaterThan":        {family: numbers, holds: greater},
	"NumericGreaterThanEquals":  {family: numbers, holds: greaterOrEqual},
	"DateEquals":                {family: dates, holds: equal},
	"DateNotEquals":             {family: dates, holds: equal, negated: true},
	"DateLessThan":              {family: dates, holds: less},
	"DateLessThanEquals":        {family: dates, holds: lessOrEqual},
	"DateGreaterThan":           {family: dates, holds: greater},
	"DateGreaterThanEquals":     {family: dates, holds: greaterOrEqual},
	"Bool":                      {family: booleans},
	"BinaryEquals":              {family: binaries},
	"IpAddress":                 {family: addresses},
	"NotIpAddress":              {family: addresses, negated: true},
	"ArnEquals":                 {family: arns},
	"ArnLike":                   {family: arns},
	"ArnNotEquals":              {family: arns, negated: true},
	"ArnNotLike":                {family: arns, negated: true},
	"Null":                      {family: nulls},
}

// The set operators for keys with several values.
const (
	anyValue  = "ForAnyValue:"
	allValues = "ForAllValues:"
)

// condition is one key under one operator.
type condition struct {
	operator
	name     string // of the operator, as written
	key      string // as written
	lookup   string // the key in lower case
	set      string // anyValue, allValues or empty
	ifExists bool
	wanted   []string // as written
	operands []operand
	variable bool // an operand has variables
	pins     bool // it holds only if the key has one of the values wanted, and not every value is
}

// operand is one value wanted, ready to compare with what is found.
type operand struct {
	test test                                   // if it has no variables
	bind func(Context) (t test, missing string) // otherwise
}

type test func(found string) bool

// parseOperator reads the name of an operator. IfExists cannot be added to Null,
// nor does a set operator mean anything there.
func parseOperator(name string) (c condition, ok bool) {
	c.name = name
	base := name
	for _, set := range []string{anyValue, allValues} {
		if rest, has := strings.CutPrefix(base, set); has {
			c.set, base = set, rest
			break
		}
	}
	base, c.ifExists = strings.CutSuffix(base, "IfExists")
	c.operator, ok = operators[base]
	return c, ok && (c.family != nulls || name == base)
}

// add adds a value wanted. Not ok means that it is none for the operator.
func (c *condition) add(s string, variables bool) bool {
	o, ok := operand{}, false
	switch c.family {
	case exact, folded, likes, booleans:
		o, ok = c.textOperand(s, variables)
	case arns:
		o, ok = arnOperand(s, variables)
	default:
		o.test, ok = c.valueTest(s)
	}
	c.operands = append(c.operands, o)
	c.wanted = append(c.wanted, s)
	c.variable = c.variable || o.bind != nil
	return ok
}

// textOperand is a value that is text. Its wildcards count for StringLike only.
func (c *condition) textOperand(s string, variables bool) (operand, bool) {
	t, ok := compile(s, c.family == likes, variables)
	var compare func(wanted, found string) bool
	switch c.family {
	case exact:
		compare = func(wanted, found string) bool { return wanted == found }
	case folded:
		compare = strings.EqualFold
	case likes:
		compare = glob
	case booleans:
		ok = ok && (t.parts != nil || isBool(t.plain))
		compare = func(wanted, found string) bool { return strings.EqualFold(wanted, found) && isBool(found) }
	}
	if t.parts == nil {
		return operand{test: func(found string) bool { return compare(t.plain, found) }}, ok
	}
	return operand{bind: func(c Context) (test, string) {
		wanted, missing := t.expand(c)
		return func(found string) bool { return compare(wanted, found) }, missing
	}}, ok
}

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

// arnOperand is an ARN whose six components are compared each for itself, so
// that no wildcard and no variable reaches over a colon. "*" alone is any ARN;
// what else has fewer components matches nothing.
func arnOperand(s string, variables bool) (operand, bool) {
	if s == "*" {
		s = "*:*:*:*:*:*"
	}
	fields := splitARN(s, variables)
	if len(fields) < 6 {
		return operand{test: func(string) bool { return false }}, true
	}
	var texts [6]text
	bound := false
	for i, field := range fields {
		t, ok := compile(field, true, variables)
		if !ok {
			return operand{}, false
		}
		texts[i], bound = t, bound || t.parts != nil
	}
	bind := func(c Context) (test, string) {
		var patterns [6]string
		for i, t := range texts {
			var missing string
			if patterns[i], missing = t.expand(c); missing != "" {
				return nil, missing
			}
		}
		return func(found string) bool {
			fields := splitARN(found, false)
			return len(fields) == 6 && !slices.ContainsFunc([]int{0, 1, 2, 3, 4, 5}, func(i int) bool { return !glob(patterns[i], fields[i]) })
		}, ""
	}
	if bound {
		return operand{bind: bind}, true
	}
	t, _ := bind(Context{})
	return operand{test: t}, true
}

// valueTest compares values that are not text. They have no variables.
func (c *condition) valueTest(s string) (test, bool) {
	switch c.family {
	case numbers:
		wanted, ok := parseNumber(s)
		return func(found string) bool {
			n, ok := parseNumber(found)
			return ok && c.holds(n.Cmp(wanted))
		}, ok
	case dates:
		wanted, ok := parseDate(s)
		return func(found string) bool {
			t, ok := parseDate(found)
			return ok && c.holds(t.Compare(wanted))
		}, ok
	case binaries:
		wanted, err := base64.StdEncoding.DecodeString(s)
		return func(found string) bool {
			b, err := base64.StdEncoding.DecodeString(found)
			return err == nil && bytes.Equal(b, wanted)
		}, err == nil
	case addresses:
		wanted, ok := parseRange(s)
		return func(found string) bool {
			a, err := netip.ParseAddr(found)
			return err == nil && wanted.Contains(a.Unmap())
		}, ok
	}
	// Null: found is whether the key is there.
	return func(found string) bool { return strings.EqualFold(s, found) }, isBool(s)
}

var numberForm = regexp.MustCompile(`^[+-]?[0-9]{1,64}(?:\.[0-9]{1,64})?(?:[eE][+-]?[0-9]{1,2})?$`)

// parseNumber reads an integer or a decimal number, exactly.
func parseNumber(s string) (*big.Rat, bool) {
	if !numberForm.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// dateForms are those of the W3C's profile of ISO 8601; without a zone it is
// UTC. Go reads fractions of a second unasked.
var dateForms = []string{"2006", "2006-01", time.DateOnly, "2006-01-02T15:04Z07:00", time.RFC3339, "2006-01-02T15:04", "2006-01-02T15:04:05"}

// parseDate reads a date, or seconds since 1970. Four digits are a year.
func parseDate(s string) (time.Time, bool) {
	for _, form := range dateForms {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	// Near the end of int64 a time.Time overflows.
	const most = 1 << 60
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(n, 0), err == nil && -most < n && n < most
}

// parseRange reads an address or a range of addresses.
func parseRange(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	return p, err == nil && !p.Addr().Is4In6()
}

// finish notes what can be known before any request. Only a positive comparison
// of text pins a key, and only to values that are written out.
func (c *condition) finish() {
	c.pins = !c.negated && !c.ifExists && c.set != allValues && !c.variable && c.family <= likes && len(c.wanted) > 0 &&
		!slices.ContainsFunc(c.wanted, func(s string) bool { return strings.Trim(s, "*?") == "" })
}

// met evaluates the condition. missing names a policy variable without value
// that it was lost by.
//
// The rules, all of the guide:
//   - a key that is absent fails a positive operator and satisfies a negated one
//     and IfExists;
//   - the values wanted are alternatives; a negated operator wants none of them;
//   - ForAllValues wants every value found to match and is satisfied by none at
//     all; ForAnyValue wants one that matches and is not;
//   - a variable without value fails a positive operator; to a negated one it is
//     a value that nothing equals ("Policy variables with no value").
//
// Without a set operator a key with several values matches if one does. The
// guide leaves that open.
func (c *condition) met(ctx Context) (ok bool, missing string) {
	found, present := ctx.find(c.lookup)
	null := !slices.ContainsFunc(found, func(s string) bool { return s != "" })
	switch {
	case c.family == nulls:
		return slices.ContainsFunc(c.operands, func(o operand) bool { return o.test(strconv.FormatBool(null)) }), ""
	case !present && c.ifExists, null && c.set == allValues:
		return true, ""
	case null && c.set == anyValue:
		return false, ""
	case !present:
		return c.negated, ""
	}
	operands := c.operands
	if c.variable {
		if operands, missing = c.bound(ctx); missing != "" {
			return false, missing
		}
	}
	fits := func(s string) bool {
		return slices.ContainsFunc(operands, func(o operand) bool { return o.test(s) })
	}
	misfits := func(s string) bool { return !fits(s) }
	switch {
	case c.set == anyValue && c.negated:
		return slices.ContainsFunc(found, misfits), ""
	case c.negated: // none may match, with a set operator or without
		return !slices.ContainsFunc(found, fits), ""
	case c.set == allValues:
		return !slices.ContainsFunc(found, misfits), ""
	}
	return slices.ContainsFunc(found, fits), ""
}

// bound gives the operands of this request.
func (c *condition) bound(ctx Context) (out []operand, missing string) {
	for _, o := range c.operands {
		if o.bind != nil {
			o.test, missing = o.bind(ctx)
			if missing != "" {
				if !c.negated {
					return nil, missing
				}
				continue
			}
		}
		out = append(out, o)
	}
	return out, ""
}
