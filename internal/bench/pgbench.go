package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"idpool/internal/idpool"
	"idpool/internal/store"
)

// What pgbench, PostgreSQL's own load generator, reaches with the statements of
// a sign-in is what the database gives at best. The statements are not written
// here a second time: a real sign-in is recorded.
type scripts struct {
	program string // pgbench; empty where it is missing
	pool    idpool.PoolID
	files   map[access]string // a script for each
	fresh   int               // runs that made identities, whose numbers must differ
}

// access is how a path uses the store.
type access string

const (
	aside     access = ""         // not at all
	firstTime access = "new"      // a look, then an identity and its login
	byLogin   access = "by-login" // one look
	byID      access = "by-id"
)

// The persons that pgbench works with: those whom the script for new ones makes
// are numbered, and found again by the others.
const (
	nextPerson  = "\\set i :i + 1\n\\set id (:base + :i) * 1000 + :client_id\n\\set subject hash_fnv1a(:id)\n"
	somePerson  = "\\set id (:base + random(1, :known)) * 1000 + random(0, :c - 1)\n\\set subject hash_fnv1a(:id)\n"
	knownPeople = 50 // of each client, there before the rest
)

// The beginning of an update, as package postgres has it. The views of these
// accesses are one statement, which needs none.
const beginUpdate = "BEGIN ISOLATION LEVEL SERIALIZABLE"

// newScripts finds pgbench and writes its scripts into a folder.
func newScripts(ctx context.Context, s idpool.Store, pool idpool.PoolID, folder string) (*scripts, error) {
	program, err := exec.LookPath("pgbench")
	if err != nil {
		return &scripts{}, nil
	}
	files, err := record(ctx, s, pool, folder)
	return &scripts{program: program, files: files, pool: pool}, err
}

// record does in a store what each access does, and writes it down for pgbench.
func record(ctx context.Context, s idpool.Store, id idpool.PoolID, folder string) (map[access]string, error) {
	var pool idpool.Pool
	err := s.View(ctx, func(r idpool.Reader) (err error) {
		pool, err = r.Pool(ctx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	const subject = "recorded"
	who := newIdentity(pool.ID, subject)
	signIn := func(s idpool.Store) error {
		_, _, err := idpool.SignIn(ctx, s, pool, who.Logins, who.ID, who.Created)
		return err
	}
	look := func(s idpool.Store) error {
		return s.View(ctx, func(r idpool.Reader) error {
			_, err := r.Identity(ctx, who.ID)
			return err
		})
	}
	names := map[string]string{string(pool.ID): ":pool", Provider: ":provider", subject: ":subject", string(who.ID): ":id"}
	files := map[access]string{}
	for _, one := range []struct {
		access access
		person string
		act    func(idpool.Store) error
	}{{firstTime, nextPerson, signIn}, {byLogin, somePerson, signIn}, {byID, somePerson, look}} {
		r := &recorder{Store: s, names: names}
		if err := one.act(r); err != nil {
			return nil, err
		}
		files[one.access] = filepath.Join(folder, string(one.access)+".pgbench")
		if err := os.WriteFile(files[one.access], []byte(one.person+r.text.String()), 0o644); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// recorder is a store that writes down which statements run in it, in groups
// that travel together (package postgres says which do).
type recorder struct {
	idpool.Store
	names map[string]string // pgbench's names of values
	text  strings.Builder
	group bool // one is open
}

// View implements idpool.Store.
func (r *recorder) View(ctx context.Context, fn func(idpool.Reader) error) error {
	return r.Store.View(ctx, func(held idpool.Reader) error {
		t, err := r.begin("", held)
		if err != nil {
			return err
		}
		return fn(t)
	})
}

// Update implements idpool.Store.
func (r *recorder) Update(ctx context.Context, fn func(idpool.Writer) error) error {
	return r.Store.Update(ctx, func(held idpool.Writer) error {
		t, err := r.begin(beginUpdate, held)
		if err != nil {
			return err
		}
		defer r.write("COMMIT", true)
		return fn(t)
	})
}

func (r *recorder) begin(how string, held idpool.Reader) (store.Tx, error) {
	t, ok := held.(store.Tx)
	if !ok {
		return store.Tx{}, fmt.Errorf("a %T runs no statements", held)
	}
	if how != "" {
		r.write(how, false)
	}
	return store.Tx{Q: tape{t.Q, r}}, nil
}

// write writes a statement. The last one of a group has it sent.
func (r *recorder) write(statement string, last bool) {
	if !r.group {
		r.text.WriteString("\\startpipeline\n")
	}
	fmt.Fprintf(&r.text, "%s;\n", statement)
	if r.group = !last; last {
		r.text.WriteString("\\endpipeline\n")
	}
}

// tape is the querier of a transaction that is recorded.
type tape struct {
	store.Querier
	to *recorder
}

// Query implements store.Querier.
func (t tape) Query(ctx context.Context, sql string, args ...any) (store.Rows, error) {
	t.to.write(t.to.bound(sql, args), true)
	return t.Querier.Query(ctx, sql, args...)
}

// Exec implements store.Querier.
func (t tape) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	t.to.write(t.to.bound(sql, args), true)
	return t.Querier.Exec(ctx, sql, args...)
}

// Later implements store.Querier.
func (t tape) Later(ctx context.Context, clash error, sql string, args ...any) error {
	t.to.write(t.to.bound(sql, args), false)
	return t.Querier.Later(ctx, clash, sql, args...)
}

var place = regexp.MustCompile(`\$\d+`)

// bound is a statement with pgbench's variables, and values that are always the
// same, in the places of its arguments.
func (r *recorder) bound(sql string, args []any) string {
	sql = place.ReplaceAllStringFunc(sql, func(p string) string {
		n, _ := strconv.Atoi(p[1:])
		switch v := args[n-1].(type) {
		case nil:
			return "NULL"
		case string:
			if name := r.names[v]; name != "" {
				return name
			}
			return "'" + strings.ReplaceAll(v, "'", "''") + "'"
		default:
			return fmt.Sprint(v)
		}
	})
	return strings.Join(strings.Fields(sql), " ")
}

var tps = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

// run has pgbench run a script from so many clients, count transactions in all;
// one of each client at least.
func (s *scripts) run(ctx context.Context, db *database, a access, clients, count int) (Measure, error) {
	base := 1_000_000_000
	if a == firstTime {
		base += s.fresh * 10_000_000
		s.fresh++
	}
	args := []string{"-n", "-M", "prepared", "-j", "2", "-c", fmt.Sprint(clients), "--max-tries=20", "-f", s.files[a],
		"-D", "pool=" + string(s.pool), "-D", "provider=" + Provider, "-D", "i=0",
		"-D", fmt.Sprintf("base=%d", base), "-D", fmt.Sprintf("known=%d", knownPeople), "-D", fmt.Sprintf("c=%d", clients), "-t", fmt.Sprint(max(1, count/clients)), db.plain}
	c := exec.CommandContext(ctx, s.program, args...)
	c.Env = append(os.Environ(), "PGOPTIONS=-c search_path="+db.schema)
	out, err := c.CombinedOutput()
	found := tps.FindSubmatch(out)
	if err != nil || found == nil {
		return Measure{}, fmt.Errorf("pgbench measured nothing (%v): %.500s", err, out)
	}
	rate, err := strconv.ParseFloat(string(found[1]), 64)
	return Measure{PerSecond: rate}, err
}
