package sqlite

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"idpool/internal/idpool"
	"idpool/internal/store"
)

// memory is a connection to a database of its own with a table of values.
func memory(t *testing.T) *conn {
	t.Helper()
	c, err := newConn("file::memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	run(t, c, "CREATE TABLE v (n BIGINT PRIMARY KEY, s TEXT, b BLOB, i BIGINT)")
	return c
}

func run(t *testing.T, c *conn, text string, args ...any) int64 {
	t.Helper()
	n, err := c.Exec(t.Context(), text, args...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

// all reads what a query finds, a number in each row, and calls fn for each.
func all(t *testing.T, c *conn, fn func(n int64), text string, args ...any) (found []int64) {
	t.Helper()
	rows, err := c.Query(t.Context(), text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		found = append(found, n)
		if fn != nil {
			fn(n)
		}
	}
	if rows.Next() || rows.Err() != nil {
		t.Errorf("after the last row: %v", rows.Err())
	}
	return found
}

// TestValues: what is kept comes back as it was, and as what it was.
func TestValues(t *testing.T) {
	c := memory(t)
	for n, s := range []string{"", "a", "\x00", "a\x00b\x00", "é\xff\xfe", "' OR ''='", strings.Repeat("x", 1<<20)} {
		run(t, c, "INSERT INTO v (n, s, b, i) VALUES ($1, $2, $3, $4)", n, s, []byte(s), int64(-1)<<n)
		rows, err := c.Query(t.Context(), "SELECT s, b, i, s, i, s FROM v WHERE s = $1 AND b = $2", s, []byte(s))
		if err != nil {
			t.Fatal(err)
		}
		var text string
		var bytes, textBytes []byte
		var number int64
		var maybeText *string
		var maybeNumber *int64
		if !rows.Next() {
			t.Fatalf("%.20q is not found: %v", s, rows.Err())
		}
		if err := rows.Scan(&text, &bytes, &number, &maybeText, &maybeNumber, &textBytes); err != nil {
			t.Fatal(err)
		}
		if text != s || string(bytes) != s || bytes == nil || string(textBytes) != s || number != int64(-1)<<n || maybeText == nil || *maybeText != s || maybeNumber == nil || *maybeNumber != number {
			t.Errorf("%.20q came back as %.20q, %.20q, %d", s, text, bytes, number)
		}
		for _, dest := range [][]any{{&number, &bytes, &number, &maybeText, &maybeNumber, &textBytes}, {&text, &text, &number, &maybeText, &maybeNumber, &textBytes},
			{&text, &bytes, &text, &maybeText, &maybeNumber, &textBytes}, {&text, &bytes, &number, &maybeNumber, &maybeNumber, &textBytes}, {&text, &bytes, &number, &maybeText, &maybeText, &textBytes}, {&text}, {&text, &bytes, new(int32), &maybeText, &maybeNumber, &textBytes}} {
			if err := rows.Scan(dest...); err == nil {
				t.Errorf("%T: no error", dest)
			}
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
	run(t, c, "INSERT INTO v (n, s, b, i) VALUES ($1, $2, $3, $4)", 100, nil, []byte(nil), nil)
	rows, err := c.Query(t.Context(), "SELECT s, i, b, s, i FROM v WHERE n = $1 AND b IS NULL", 100)
	if err != nil || !rows.Next() {
		t.Fatal("no NULLs", err)
	}
	defer rows.Close()
	text, number := new(string), new(int64)
	if err := rows.Scan(&text, &number, &text, &text, &number); err != nil || text != nil || number != nil {
		t.Errorf("NULLs came back as %v, %v (%v)", text, number, err)
	}
	for _, dest := range []any{new(string), new(int64), new([]byte)} {
		if err := rows.Scan(&text, &number, dest, &text, &number); err == nil {
			t.Errorf("a NULL for a %T", dest)
		}
	}
}

// TestParameters: arguments are found by their numbers, in whatever order and
// however often they appear, and must be all there.
func TestParameters(t *testing.T) {
	c := memory(t)
	const text = "SELECT $3 - $1 * 10 + $2 * 100 + $1"
	if got := all(t, c, nil, text, 1, int64(2), 3); !slices.Equal(got, []int64{194}) {
		t.Errorf("got %d, want 194", got)
	}
	for _, args := range [][]any{nil, {1, 2}, {1, 2, 3, 4}, {1, 2, 3.5}, {1, 2, t}} {
		if _, err := c.Query(t.Context(), text, args...); err == nil {
			t.Errorf("%v: no error", args)
		}
		if _, err := c.Exec(t.Context(), text, args...); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
	if got := all(t, c, nil, text, 0, 0, 7); !slices.Equal(got, []int64{7}) {
		t.Errorf("after errors: got %d, want 7", got)
	}
	for _, text := range []string{"SELECT $2", "SELECT ?", "SELECT :name", "SELECT $0", "SELECT 1; SELECT 2", "SELECT"} {
		for range 2 {
			if _, err := c.Query(t.Context(), text, 1); err == nil {
				t.Errorf("%s: no error", text)
			}
		}
	}
}

// TestSameQueryInside: a query may be asked again, and the table written, while
// it is read.
func TestSameQueryInside(t *testing.T) {
	c := memory(t)
	for n := range 3 {
		run(t, c, "INSERT INTO v (n) VALUES ($1)", n)
	}
	const text = "SELECT n FROM v WHERE n < $1 ORDER BY n"
	var inner []int64
	outer := all(t, c, func(n int64) {
		inner = append(inner, all(t, c, func(int64) { all(t, c, nil, text, 1) }, text, n)...)
	}, text, 3)
	if !slices.Equal(outer, []int64{0, 1, 2}) || !slices.Equal(inner, []int64{0, 0, 1}) {
		t.Errorf("got %d, and inside %d", outer, inner)
	}
	if len(c.prepared) != 3 {
		t.Errorf("%d statements are kept, want 3", len(c.prepared))
	}
	idle(t, c)
}

// idle holds that a connection has no statement under way.
func idle(t *testing.T, c *conn) {
	t.Helper()
	if text := c.CheckReset(); text != "" || !c.AutocommitEnabled() {
		t.Errorf("%q is under way; in a transaction: %t", text, !c.AutocommitEnabled())
	}
	for text, s := range c.prepared {
		if s.open {
			t.Errorf("%q is open", text)
		}
	}
}

// TestNothingHeld: however a view ends, its reader holds no snapshot, and however
// a statement ends, it can be run again.
func TestNothingHeld(t *testing.T) {
	s := open(t, fresh(t))
	fill(t, s, 0, 3)
	ctx, cancel := context.WithCancel(t.Context())
	const text = "SELECT name FROM oidc_provider"
	for what, each := range map[string]func(store.Querier) error{
		"to the end": func(q store.Querier) error { return nil },
		"an error":   func(q store.Querier) error { return errors.New("on purpose") },
		"a panic":    func(q store.Querier) error { panic("on purpose") },
		"no SQL":     func(q store.Querier) error { _, err := q.Query(ctx, "SELECT nothing"); return err },
		"a write":    func(q store.Querier) error { _, err := q.Exec(ctx, "DELETE FROM oidc_provider"); return err },
		"given up":   func(q store.Querier) error { cancel(); _, err := q.Query(ctx, text); return err },
	} {
		t.Run(what, func(t *testing.T) {
			ctx, cancel = context.WithCancel(t.Context())
			defer cancel()
			seen := 0
			func() {
				defer func() { recover() }()
				s.View(ctx, func(r idpool.Reader) error {
					q := r.(store.Tx).Q
					rows, err := q.Query(ctx, text)
					if err != nil {
						return err
					}
					defer rows.Close()
					for rows.Next() {
						seen++
						if err := each(q); err != nil {
							return err
						}
					}
					return rows.Err()
				})
			}()
			if want := map[bool]int{true: 3, false: 1}[what == "to the end"]; seen != want {
				t.Errorf("%d rows were seen, want %d", seen, want)
			}
			for range readerCount {
				c := <-s.readers
				idle(t, c)
				s.readers <- c
			}
		})
	}
}
