package wire

import (
	"regexp/syntax"
	"unicode/utf8"
)

// Most patterns of the service model are a few runs of ASCII characters: the ID of
// a pool is [\w-]+:[0-9a-f-]+. Each request matches some, and walking over the runs
// takes a tenth of the time that a regular expression takes.

// run is one or more characters of a set, or exactly one.
type run struct {
	set  [utf8.RuneSelf]bool
	more bool
}

// runsOf takes a regular expression apart; nil if it is anything but runs of ASCII
// characters of which each ends where the next begins.
func runsOf(expr string) []run {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	parts := []*syntax.Regexp{tree}
	if tree.Op == syntax.OpConcat {
		parts = tree.Sub
	}
	var runs []run
	for _, part := range parts {
		switch {
		case part.Flags&syntax.FoldCase != 0:
			return nil
		case part.Op == syntax.OpLiteral:
			for _, c := range part.Rune {
				runs = append(runs, run{})
				if !runs[len(runs)-1].add(c, c) {
					return nil
				}
			}
		case part.Op == syntax.OpPlus && part.Sub[0].Op == syntax.OpCharClass:
			r := run{more: true}
			for i := 0; i < len(part.Sub[0].Rune); i += 2 {
				if !r.add(part.Sub[0].Rune[i], part.Sub[0].Rune[i+1]) {
					return nil
				}
			}
			runs = append(runs, r)
		default:
			return nil
		}
	}
	for i := range len(runs) - 1 {
		for c := range runs[i].set {
			if runs[i].more && runs[i].set[c] && runs[i+1].set[c] {
				return nil // where the run ends would have to be found out
			}
		}
	}
	return runs
}

// add puts a range of characters into the set; false if not all are ASCII.
func (r *run) add(low, high rune) bool {
	if high >= utf8.RuneSelf {
		return false
	}
	for c := low; c <= high; c++ {
		r.set[c] = true
	}
	return true
}

func matchRuns(runs []run, text string) bool {
	at := 0
	for i := range runs {
		begun := at
		for at < len(text) && text[at] < utf8.RuneSelf && runs[i].set[text[at]] && (runs[i].more || at == begun) {
			at++
		}
		if at == begun {
			return false
		}
	}
	return at == len(text)
}
