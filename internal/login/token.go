package login

import (
	"fmt"
	"io"
)

// String and its like hide a token from those verbs only that fit a string;
// for others package fmt would show what it holds.

// Format hides the token, whatever the verb.
func (Token) Format(s fmt.State, _ rune) { io.WriteString(s, "[token]") }

// MarshalText hides the token from encoders.
func (Token) MarshalText() ([]byte, error) { return []byte("[token]"), nil }
