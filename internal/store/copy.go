package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"

	"idpool/internal/idpool"
)

// A table is copied by its primary key: page after page is read in the order of
// the key and written in one transaction, so what was copied when a copy was cut
// short is everything up to some key.
type table struct {
	name    string
	key     int // so many columns, the first ones, are the primary key
	columns []column
}

type column struct {
	name string
	kind columnKind
}

type columnKind int

const (
	text columnKind = iota
	number
	maybe // a number, or NULL
	bytes
)

// tables are all that the schema has. A test compares them with it.
var tables = []table{
	{"signing_key", 1, []column{{"id", text}, {"private", bytes}, {"certificate", bytes}, {"created", number}, {"use_from", number}, {"retired", number}}},
	{"access_key", 1, []column{{"id", text}, {"account", text}, {"user_name", text}, {"inactive", number}, {"secret", bytes}, {"created", number}}},
	{"iam_entity", 3, []column{{"account", text}, {"kind", text}, {"name", text}, {"body", text}}},
	{"oidc_provider", 2, []column{{"account", text}, {"name", text}, {"url", text}, {"config", text}, {"created", number}}},
	{"used", 1, []column{{"id", text}, {"until", number}}},
	{"deleted_pool", 1, []column{{"id", text}}},
	{"pool", 1, []column{{"id", text}, {"account", text}, {"region", text}, {"name", text}, {"config", text}, {"version", number}, {"created", number}, {"modified", number}}},
	{"identity", 1, []column{{"id", text}, {"pool", text}, {"disabled", number}, {"merged_into", text}, {"created", number}, {"modified", number}, {"guest_seen", maybe}}},
	{"login", 3, []column{{"pool", text}, {"provider", text}, {"subject", text}, {"identity", text}}},
}

const (
	pageRows = 1000 // read at once, and written in one transaction
	oneRows  = 50   // written by one statement
)

// Copied is what a table has after a copy, in both stores.
type Copied struct {
	Table  string `json:"table"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"` // of all rows in the order of their keys
}

// ErrNotEmpty is the error of Copy for a store that has something.
var ErrNotEmpty = errors.New("the store that is copied to is not empty")

// Copy copies everything from one store to another of the same schema, and then
// reads both again and compares them. Nobody else may write to either. Sealed
// things are copied as they are: the other store needs the same master key.
//
// It fails with [ErrNotEmpty] if there is something in the other store; to go on
// with a copy that was cut short, say so. progress is called with the rows of a
// table that were copied, or compared, so far.
func Copy(ctx context.Context, from, to idpool.Store, resume bool, progress func(what, table string, rows int64)) ([]Copied, error) {
	last := map[string][]any{} // keys of the other store
	for _, t := range tables {
		rows, err := t.read(ctx, to, t.selectLast())
		if err != nil {
			return nil, fmt.Errorf("look at table %s: %w", t.name, err)
		}
		if len(rows) > 0 {
			last[t.name] = rows[0][:t.key]
		}
	}
	if len(last) > 0 && !resume { // all tables are looked at before one is written
		return nil, ErrNotEmpty
	}
	for _, t := range tables {
		if err := t.copy(ctx, from, to, last[t.name], progress); err != nil {
			return nil, fmt.Errorf("copy table %s: %w", t.name, err)
		}
	}
	var all []Copied
	for _, t := range tables {
		here, err := t.digest(ctx, from, progress)
		if err != nil {
			return nil, fmt.Errorf("compare table %s: %w", t.name, err)
		}
		there, err := t.digest(ctx, to, progress)
		if err != nil {
			return nil, fmt.Errorf("compare table %s: %w", t.name, err)
		}
		if here != there {
			return nil, fmt.Errorf("table %s differs after the copy: %d rows and %.12s here, %d and %.12s there; did somebody write meanwhile?", t.name, here.Rows, here.SHA256, there.Rows, there.SHA256)
		}
		all = append(all, here)
	}
	return all, nil
}

// copy copies the rows that follow a key: the last one of the other store.
func (t table) copy(ctx context.Context, from, to idpool.Store, after []any, progress func(what, table string, rows int64)) error {
	for rows := int64(0); ; {
		page, err := t.page(ctx, from, after)
		if err != nil {
			return err
		}
		if len(page) > 0 {
			err = to.Update(ctx, func(w idpool.Writer) error {
				q, err := querier(w)
				if err != nil {
					return err
				}
				return t.insert(ctx, q, page)
			})
			if err != nil {
				return err
			}
			after = page[len(page)-1][:t.key]
		}
		rows += int64(len(page))
		progress("copied", t.name, rows)
		if len(page) < pageRows {
			return nil
		}
	}
}

// digest reads a table.
func (t table) digest(ctx context.Context, s idpool.Store, progress func(what, table string, rows int64)) (Copied, error) {
	h := sha256.New()
	c := Copied{Table: t.name}
	var after []any
	for {
		page, err := t.page(ctx, s, after)
		if err != nil {
			return Copied{}, err
		}
		for _, row := range page {
			for _, value := range row {
				add(h, value)
			}
		}
		c.Rows += int64(len(page))
		progress("compared", t.name, c.Rows)
		if len(page) < pageRows {
			c.SHA256 = hex.EncodeToString(h.Sum(nil))
			return c, nil
		}
		after = page[len(page)-1][:t.key]
	}
}

// add adds a value so that no two rows are alike.
func add(h hash.Hash, value any) {
	var n [9]byte
	switch v := value.(type) {
	case nil:
		h.Write(n[:])
	case int64:
		n[0] = 1
		binary.BigEndian.PutUint64(n[1:], uint64(v))
		h.Write(n[:])
	case string:
		n[0] = 2
		binary.BigEndian.PutUint64(n[1:], uint64(len(v)))
		h.Write(n[:])
		h.Write([]byte(v))
	case []byte:
		n[0] = 3
		binary.BigEndian.PutUint64(n[1:], uint64(len(v)))
		h.Write(n[:])
		h.Write(v)
	}
}

// querier is what a transaction of an engine runs statements with.
func querier(r idpool.Reader) (Querier, error) {
	t, ok := r.(Tx)
	if !ok {
		return nil, fmt.Errorf("a %T runs no statements", r)
	}
	return t.Q, nil
}

// page reads the rows that follow a key; from the first on without one.
func (t table) page(ctx context.Context, s idpool.Store, after []any) ([][]any, error) {
	return t.read(ctx, s, t.selectPage(after != nil), append(after[:len(after):len(after)], pageRows)...)
}

// read runs a query for rows of the table.
func (t table) read(ctx context.Context, s idpool.Store, sql string, args ...any) (list [][]any, err error) {
	err = s.View(ctx, func(r idpool.Reader) error {
		q, err := querier(r)
		if err != nil {
			return err
		}
		list = nil
		return Tx{Q: q}.each(ctx, sql, args, func(rows Rows) error {
			row, err := t.scan(rows)
			list = append(list, row)
			return err
		})
	})
	return list, err
}

func (t table) scan(rows Rows) ([]any, error) {
	row, dest := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i, c := range t.columns {
		switch c.kind {
		case text:
			dest[i] = new(string)
		case number:
			dest[i] = new(int64)
		case maybe:
			dest[i] = new(*int64)
		case bytes:
			dest[i] = new([]byte)
		}
	}
	if err := rows.Scan(dest...); err != nil {
		return nil, err
	}
	for i, d := range dest {
		switch d := d.(type) {
		case *string:
			row[i] = *d
		case *int64:
			row[i] = *d
		case **int64:
			if *d != nil {
				row[i] = **d
			}
		case *[]byte:
			row[i] = append([]byte{}, *d...) // no bytes are something else than NULL
		}
	}
	return row, nil
}

func (t table) insert(ctx context.Context, q Querier, page [][]any) error {
	for len(page) > 0 {
		n := min(oneRows, len(page))
		var args []any
		for _, row := range page[:n] {
			args = append(args, row...)
		}
		if _, err := q.Exec(ctx, t.insertRows(n), args...); err != nil {
			return err
		}
		page = page[n:]
	}
	return nil
}

func (t table) names(columns []column) string {
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// selectPage reads the rows from the first on, or those that follow a key.
func (t table) selectPage(after bool) string {
	key := t.names(t.columns[:t.key])
	where, limit := "", 1
	if after {
		where, limit = fmt.Sprintf(" WHERE (%s) > (%s)", key, places(1, t.key)), t.key+1
	}
	return fmt.Sprintf("SELECT %s FROM %s%s ORDER BY %s LIMIT $%d", t.names(t.columns), t.name, where, key, limit)
}

func (t table) selectLast() string {
	return fmt.Sprintf("SELECT %s FROM %s ORDER BY %s DESC LIMIT 1", t.names(t.columns), t.name, strings.ReplaceAll(t.names(t.columns[:t.key]), ",", " DESC,"))
}

func (t table) insertRows(n int) string {
	var rows []string
	for i := range n {
		rows = append(rows, "("+places(1+i*len(t.columns), len(t.columns))+")")
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES %s", t.name, t.names(t.columns), strings.Join(rows, ", "))
}

// places are n placeholders, the first with a number.
func places(first, n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("$%d", first+i))
	}
	return strings.Join(list, ", ")
}
