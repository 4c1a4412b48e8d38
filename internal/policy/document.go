package policy

// Kind is what a document is for.
type Kind int

// The kinds of documents.
const (
	// Identity is a policy that an identity or a session carries: inline,
	// managed, or a session policy. It says on which resources, and not who.
	Identity Kind = iota + 1
	// Trust is the trust policy of a role. It says who, and not on which
	// resources.
	Trust
)

// Document is a policy document, compiled. It is immutable: keep it, and share
// it between goroutines.
type Document struct {
	statements []statement
}

// Effect is what a statement does to whoever it matches.
type Effect string

// The effects.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// statement is one statement, compiled.
type statement struct {
	sid           string
	effect        Effect
	principals    *principalSet // of trust policies
	actions       []string      // patterns in lower case
	exceptActions bool          // NotAction
	resources     []text        // of policies of identities
	exceptThese   bool          // NotResource
	conditions    []condition
}

// pins reports whether the statement matches only those whose key has a value
// that it names: a text, of which not everything is wildcards.
func (s *statement) pins(lookup string) bool {
	for i := range s.conditions {
		if s.conditions[i].lookup == lookup && s.conditions[i].pins {
			return true
		}
	}
	return false
}
