package bench

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idpool/internal/idpool"
	"idpool/internal/store/sqlite"
)

func openWithPool(t *testing.T) (*sqlite.Store, idpool.Pool) {
	t.Helper()
	pool := idpool.Pool{ID: idpool.NewPoolID(region), Account: account, Version: 1}
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), StoreFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Update(t.Context(), func(w idpool.Writer) error { return w.CreatePool(t.Context(), pool) }); err != nil {
		t.Fatal(err)
	}
	return s, pool
}

// TestFill holds that everybody of two crowds is in the store afterwards, once,
// and comes back as the server would have it: by the login, changing nothing.
func TestFill(t *testing.T) {
	t.Parallel()
	s, pool := openWithPool(t)
	crowds := []crowd{{1, together + 7}, {2, 500}}
	seen := map[idpool.IdentityID]bool{}
	for _, c := range crowds {
		said := 0
		if err := fill(t.Context(), s, pool.ID, c, func(_ string, done, of int) { said = max(said, done); _ = of }); err != nil {
			t.Fatal(err)
		}
		if said != c.size {
			t.Errorf("progress ended at %d of %d", said, c.size)
		}
	}
	for _, c := range crowds {
		for i := range c.size {
			login := idpool.Login{Provider: Provider, Subject: c.subject(i)}
			who, outcome, err := idpool.SignIn(t.Context(), s, pool, []idpool.Login{login}, "us-east-1:never", pool.Created)
			if err != nil || outcome != idpool.Found || seen[who.ID] {
				t.Fatalf("person %d of crowd %d: %s %s %v", i, c.number, who.ID, outcome, err)
			}
			seen[who.ID] = true
		}
	}
}

// TestCrowd holds that subjects rise, fill the space, and that whoever is drawn
// is one of them.
func TestCrowd(t *testing.T) {
	t.Parallel()
	c := crowd{number: 3, size: 1000}
	all := map[string]bool{}
	last := ""
	for i := range c.size {
		s := c.subject(i)
		if s <= last || len(s) != 32 {
			t.Fatalf("subject %d is %s, after %s", i, s, last)
		}
		all[s], last = true, s
	}
	if !strings.HasPrefix(last, "ff") {
		t.Errorf("the last subject is %s", last)
	}
	drawn := map[string]bool{}
	for n := range 2000 {
		s := c.someone(n)
		if !all[s] {
			t.Fatalf("%s is nobody of the crowd", s)
		}
		drawn[s] = true
	}
	if len(drawn) < 700 {
		t.Errorf("2000 draws found only %d of 1000 people", len(drawn))
	}
}

// TestRecorded holds that pgbench is given the statements of a sign-in, in the
// groups in which they travel.
func TestRecorded(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s, pool := openWithPool(t)
	recorded, err := record(t.Context(), s, pool.ID, folder)
	if err != nil {
		t.Fatal(err)
	}
	for access, want := range map[access][]string{
		firstTime: {`\set i :i + 1`, `\startpipeline`, "SELECT identity FROM login WHERE pool = :pool AND provider = :provider AND subject = :subject;", `\endpipeline`,
			`\startpipeline`, beginUpdate + ";", "SELECT version FROM pool WHERE id = :pool;", `\endpipeline`,
			`\startpipeline`, "INSERT INTO identity * VALUES (:id, :pool, 0, '', *, *, NULL);", "INSERT INTO login * VALUES (:pool, :provider, :subject, :id);", "COMMIT;", `\endpipeline`},
		byLogin: {`\set id (:base + random(1, :known))`, `\startpipeline`, "SELECT *;", `\endpipeline`},
		byID:    {`\startpipeline`, "SELECT * FROM identity i * WHERE i.id = :id*;", `\endpipeline`},
	} {
		text, err := os.ReadFile(recorded[access])
		if err != nil {
			t.Fatal(err)
		}
		rest := string(text)
		for _, pattern := range want {
			for part := range strings.SplitSeq(pattern, "*") {
				_, after, ok := strings.Cut(rest, part)
				if !ok {
					t.Fatalf("%s: no %q, in its turn, in\n%s", access, pattern, text)
				}
				rest = after
			}
		}
		if strings.Contains(string(text), "$") || access != firstTime && strings.Contains(string(text), "INSERT") {
			t.Errorf("%s:\n%s", access, text)
		}
	}
}

func TestEachStopsAtAFailure(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	done := 0
	err := each(ctx, 1, 10, func(i int) error {
		if done++; i == 3 {
			cancel()
		}
		return nil
	})
	if err == nil || done != 4 {
		t.Errorf("%d were done, %v", done, err)
	}
}
