package policy

// Glob matches a pattern as it is written in a policy.
func Glob(pattern, s string) bool { return glob(wildcards.Replace(pattern), s) }

// Operators are the names of all condition operators, and whether they negate.
func Operators() map[string]bool {
	out := map[string]bool{}
	for name, o := range operators {
		out[name] = o.negated
	}
	return out
}
