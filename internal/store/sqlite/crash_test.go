package sqlite

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idpool/internal/idpool"
)

var crashes = flag.Int("crashes", 10, "how often the crash tests kill a writer")

// TestCrash kills a writer at random moments, opens what it leaves, and
// compares with what it said was answered: nothing is lost, nothing is half
// done, and nobody has two identities.
func TestCrash(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	all := ledger{}
	for crash := range *crashes {
		c := start(t, "crash", path)
		c.expect(t, "open")
		mine := read(t, c.killAfter(t, 1+rand.IntN(120)))
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Fatalf("after crash %d: %v", crash, err)
		}
		mine.check(t, s)
		for who, l := range mine {
			all[who] = l
		}
		if crash == *crashes-1 {
			all.check(t, s)
			audit(t, s)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	steps, pending := 0, 0
	for _, l := range all {
		if steps += l.answered + 1; l.tried > l.answered {
			pending++
		}
	}
	if steps < *crashes || pending < *crashes {
		t.Fatalf("%d answered and %d unanswered steps in %d crashes: the test did nothing", steps, pending, *crashes)
	}
	t.Logf("%d crashes; %d steps of %d lives answered and found again, %d unanswered", *crashes, steps, len(all), pending)
}

// A life is a person's, in steps that each change what is stored. A writer says
// "try" before a step and "done" after it was answered. What is stored must be
// the last step answered, or the one tried after it.
const writers = 24

var crashPool = idpool.Pool{ID: "eu-west-1:00000000-0000-4000-8000-000000000000", Account: account, AllowUnauthenticated: true, Version: 1}

type life struct {
	tried, answered int // steps; -1 for none
	ids             map[string]idpool.IdentityID
}

// stages are what is stored after each step: the owners of the person's two
// logins, and what became of the guest.
var stages = []struct{ a, b, guest string }{
	{"first", "", ""},
	{"first", "first", ""},
	{"first", "first", "guest"},
	{"first", "first", "first"}, // merged
	{"first", "", "first"},
	{"first", "second", "first"},
}

// lead lives a life.
func lead(ctx context.Context, s *Store, who string) error {
	now := time.UnixMilli(1_800_000_000_000)
	a, b := logins(who)
	var first, guest idpool.Identity
	var err error
	for step := range stages {
		say("try %s %d", who, step)
		var i idpool.Identity
		fresh := idpool.NewIdentityID("eu-west-1", now)
		switch step {
		case 0:
			i, _, err = idpool.SignIn(ctx, s, crashPool, []idpool.Login{a}, fresh, now)
			first = i
		case 1:
			i, _, err = idpool.Resume(ctx, s, crashPool, first.ID, []idpool.Login{a, b}, now)
		case 2:
			i, _, err = idpool.SignIn(ctx, s, crashPool, nil, fresh, now)
			guest = i
		case 3:
			i, _, err = idpool.Resume(ctx, s, crashPool, guest.ID, []idpool.Login{a}, now)
		case 4:
			i, _, err = idpool.Unlink(ctx, s, crashPool, first.ID, []idpool.Login{a}, []string{b.Provider}, now)
		case 5:
			i, _, err = idpool.SignIn(ctx, s, crashPool, []idpool.Login{b}, fresh, now)
		}
		if err != nil {
			return fmt.Errorf("%s, step %d: %w", who, step, err)
		}
		say("done %s %d %s", who, step, i.ID)
	}
	return nil
}

func logins(who string) (a, b idpool.Login) {
	return idpool.Login{Provider: "a.example", Subject: who}, idpool.Login{Provider: "b.example", Subject: who}
}

// write is the writer: lives and lives until it is killed. It copies the
// write-ahead log back often, so that it is killed doing that too.
func write(path string) error {
	checkpointAfter = 30
	ctx := context.Background()
	s, err := Open(ctx, path)
	if err != nil {
		return err
	}
	err = s.Update(ctx, func(w idpool.Writer) error {
		if _, err := w.PoolVersion(ctx, crashPool.ID); err == nil || !idpool.IsNotFound(err) {
			return err
		}
		return w.CreatePool(ctx, crashPool)
	})
	if err != nil {
		return err
	}
	say("open")
	errs, me := make(chan error), rand.Uint32()
	for writer := range writers {
		go func() {
			for n := 0; ; n++ {
				if err := lead(ctx, s, fmt.Sprintf("%x-%d-%d", me, writer, n)); err != nil {
					errs <- err
				}
			}
		}()
	}
	return <-errs
}

// ledger is what a writer said, by person.
type ledger map[string]*life

// read reads what a writer said. A line is written whole or not at all.
func read(t *testing.T, lines []string) ledger {
	t.Helper()
	l := ledger{}
	for _, line := range lines {
		var verb, who string
		var step int
		var id idpool.IdentityID
		fmt.Sscan(line, &verb, &who, &step, &id)
		if verb == "try" {
			if l[who] == nil {
				l[who] = &life{answered: -1, ids: map[string]idpool.IdentityID{}}
			}
			l[who].tried = step
			continue
		}
		l[who].answered = step
		if name := map[int]string{0: "first", 2: "guest", 5: "second"}[step]; name != "" {
			l[who].ids[name] = id
		} else if id != l[who].ids["first"] {
			t.Errorf("%s was answered %s in step %d, not %s", who, id, step, l[who].ids["first"])
		}
	}
	return l
}

// killAfter kills a writer a moment after it was answered so many times, and
// returns what it said.
func (c *child) killAfter(t *testing.T, answers int) (said []string) {
	t.Helper()
	for c.lines.Scan() {
		said = append(said, c.lines.Text())
		if strings.HasPrefix(c.lines.Text(), "done ") {
			if answers--; answers == 0 {
				time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
				c.Process.Kill()
			}
		}
	}
	if c.Wait(); c.ProcessState.Exited() {
		t.Fatalf("the writer ended by itself: %s", &c.stderr)
	}
	return said
}

// check compares what is stored with what was said.
func (l ledger) check(t *testing.T, s *Store) {
	t.Helper()
	for who, life := range l {
		err := s.View(t.Context(), func(r idpool.Reader) error {
			is, err := life.stands(t.Context(), r, who, life.answered)
			if err == nil && !is && life.tried > life.answered {
				is, err = life.stands(t.Context(), r, who, life.tried)
			}
			if err == nil && !is {
				err = fmt.Errorf("step %d was answered, step %d tried, and neither is what is stored", life.answered, life.tried)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", who, err)
		}
	}
}

// stands reports whether what is stored of a life is what it is after a step.
func (l *life) stands(ctx context.Context, r idpool.Reader, who string, step int) (bool, error) {
	want := stages[0]
	if step >= 0 {
		want = stages[step]
	} else {
		want.a = ""
	}
	a, b := logins(who)
	ownerA, errA := r.IdentityByLogin(ctx, crashPool.ID, a)
	ownerB, errB := r.IdentityByLogin(ctx, crashPool.ID, b)
	for _, err := range []error{errA, errB} {
		if err != nil && !idpool.IsNotFound(err) {
			return false, err
		}
	}
	isA := l.is(ownerA, want.a)
	isB := l.is(ownerB, want.b)
	if isA && want.a != "" { // with the logins that lead to it, and no other
		isA = ownerA.Has(a) && ownerA.Has(b) == (want.a == want.b) && !ownerA.Disabled
	}
	if id := l.ids["guest"]; id != "" {
		guest, err := r.Identity(ctx, id)
		if err != nil {
			return false, fmt.Errorf("guest %s: %w", id, err)
		}
		merged := guest.Disabled && guest.MergedInto == l.ids["first"]
		return isA && isB && (want.guest == "guest" && guest.Guest() || want.guest == "first" && merged), nil
	}
	return isA && isB, nil
}

// is reports whether an identity is the one of that name. One that was never
// answered has no known ID.
func (l *life) is(i idpool.Identity, name string) bool {
	known := l.ids[name]
	return (i.ID != "") == (name != "") && (known == "" || known == i.ID)
}

// audit checks a database as a whole: SQLite's own check, and that login rows
// and identities agree.
func audit(t *testing.T, s *Store) {
	t.Helper()
	c := <-s.readers
	defer func() { s.readers <- c }()
	if verdict, err := c.ask("PRAGMA integrity_check"); err != nil || verdict != "ok" {
		t.Errorf("integrity check: %s, %v", verdict, err)
	}
	for what, query := range map[string]string{
		"logins of nobody":                 "SELECT count(*) FROM login WHERE identity NOT IN (SELECT id FROM identity)",
		"logins in another pool":           "SELECT count(*) FROM login l JOIN identity i ON i.id = l.identity WHERE l.pool <> i.pool",
		"disabled identities with a login": "SELECT count(*) FROM login l JOIN identity i ON i.id = l.identity WHERE i.disabled",
		"merged into nobody":               "SELECT count(*) FROM identity WHERE merged_into <> '' AND merged_into NOT IN (SELECT id FROM identity)",
	} {
		if n, err := c.ask(query); err != nil || n != "0" {
			t.Errorf("%s: %s, %v", what, n, err)
		}
	}
}

// TestCrashWhileMaking kills a process that makes a database, at all moments of
// it. The next start finds nothing that needs hands.
func TestCrashWhileMaking(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	c := start(t, "open", fresh(t))
	c.expect(t, "opening")
	began := time.Now()
	c.expect(t, "open")
	took := time.Since(began)
	c.finish(t)
	t.Logf("making one took %s, all in all %s", took, time.Since(begin))
	interrupted := 0
	for round := range *crashes {
		path := fresh(t)
		c := start(t, "open", path)
		c.expect(t, "opening")
		time.Sleep(took * time.Duration(round) / time.Duration(*crashes))
		c.Process.Kill()
		if len(c.rest()) == 0 {
			interrupted++
		}
		c.Wait()
		s, err := Open(t.Context(), path)
		if err != nil {
			entries, _ := os.ReadDir(filepath.Dir(path))
			t.Fatalf("round %d: %v (beside %v)", round, err, entries)
		}
		if err := s.Update(t.Context(), name(1)); err != nil {
			t.Error(err)
		}
		audit(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if interrupted == 0 {
		t.Error("no process was killed before it was ready")
	}
}
