package policy

import (
	"strings"
	"unicode/utf8"
)

// In a compiled pattern the wildcards are bytes that no valid text has. So
// everything else in it is literal, whatever a variable brought in.
const (
	anyRun = "\xff" // "*": any run of characters, the empty one included
	anyOne = "\xfe" // "?": exactly one character
)

var wildcards = strings.NewReplacer("*", anyRun, "?", anyOne)

// Matches reports whether a pattern, in which "*" stands for any run of characters
// and "?" for one, matches the whole of s, as in the Resource of a statement.
func Matches(pattern, s string) bool { return glob(wildcards.Replace(pattern), s) }

// glob reports whether a compiled pattern matches the whole of s. It never goes
// back over a run that it has matched: the leftmost place for each piece between
// two runs is as good as any. So it is linear, but for pieces with "?", whose
// length multiplies; the parser bounds those.
func glob(pattern, s string) bool {
	head, rest, run := strings.Cut(pattern, anyRun)
	if !run {
		n, ok := prefix(head, s)
		return ok && n == len(s)
	}
	n, ok := prefix(head, s)
	if !ok {
		return false
	}
	for s = s[n:]; ; {
		var piece string
		if piece, rest, run = strings.Cut(rest, anyRun); !run {
			return suffix(piece, s)
		}
		end, ok := find(piece, s)
		if !ok {
			return false
		}
		s = s[end:]
	}
}

// find is the end of the leftmost place where a piece without runs matches.
func find(piece, s string) (end int, ok bool) {
	if !strings.Contains(piece, anyOne) {
		i := strings.Index(s, piece)
		return i + len(piece), i >= 0
	}
	for i := range s {
		if n, ok := prefix(piece, s[i:]); ok {
			return i + n, true
		}
	}
	return 0, false
}

// prefix is how many bytes a piece without runs matches at the start of s.
func prefix(piece, s string) (n int, ok bool) {
	for i := range len(piece) {
		switch {
		case n == len(s):
			return 0, false
		case piece[i] == anyOne[0]:
			_, size := utf8.DecodeRuneInString(s[n:])
			n += size
		case piece[i] == s[n]:
			n++
		default:
			return 0, false
		}
	}
	return n, true
}

// suffix reports whether a piece without runs matches at the end of s.
func suffix(piece, s string) bool {
	for {
		i := strings.LastIndex(piece, anyOne)
		if !strings.HasSuffix(s, piece[i+1:]) {
			return false
		}
		s = s[:len(s)-len(piece[i+1:])]
		if i < 0 {
			return true
		}
		_, size := utf8.DecodeLastRuneInString(s)
		if size == 0 {
			return false
		}
		s, piece = s[:len(s)-size], piece[:i]
	}
}
