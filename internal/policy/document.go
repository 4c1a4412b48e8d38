package policy

import (
	"encoding/json"
	"errors"
	"slices"
)

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
	// Standalone is an Identity policy that is kept for itself, as a managed
	// one is. It must be of version 2012-10-17.
	Standalone
)

// Document is a policy document, compiled. It is immutable: keep it, and share
// it between goroutines.
type Document struct {
	statements []statement
	source     string
}

// Union is one document that allows and denies what all of the documents do
// together, as text: for somebody who takes one session policy only. It fails for
// documents of different versions, whose variables mean different things, and is
// empty for no documents.
func Union(documents ...*Document) (string, error) {
	var union struct {
		Version   string `json:",omitempty"`
		Statement []map[string]json.RawMessage
	}
	for i, d := range documents {
		var one struct {
			Version   string
			Statement json.RawMessage
		}
		if err := json.Unmarshal([]byte(d.source), &one); err != nil {
			return "", err // cannot be: it was parsed before
		}
		if i > 0 && one.Version != union.Version {
			return "", errors.New("policies of different versions cannot be made one")
		}
		union.Version = one.Version
		if one.Statement[0] != '[' { // a statement alone
			one.Statement = slices.Concat([]byte("["), one.Statement, []byte("]"))
		}
		var list []map[string]json.RawMessage
		if err := json.Unmarshal(one.Statement, &list); err != nil {
			return "", err
		}
		for _, statement := range list {
			delete(statement, "Sid") // must differ within a document
			union.Statement = append(union.Statement, statement)
		}
	}
	if len(documents) == 0 {
		return "", nil
	}
	text, err := json.Marshal(union)
	return string(text), err
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
