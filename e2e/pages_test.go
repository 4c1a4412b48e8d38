package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestPages has the paginators of boto3 and of the JavaScript SDK walk a
// thousand pools with every page size, while others make and delete pools.
// Those that stay are seen once each and in their order, on full pages. The
// clients delete some themselves: the last one of a page, from which the next
// page begins.
func TestPages(t *testing.T) {
	t.Parallel()
	n := serve(t, binary(t), t.TempDir(), "--dev")
	var makers sync.WaitGroup
	for maker := range 8 {
		makers.Go(func() {
			for i := maker; i < 1200; i += 8 {
				name := "stays"
				if i%6 == 0 { // scattered among the others
					name = "goes"
				}
				if _, err := n.makePool(name); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	makers.Wait()
	pools := n.pools(t)
	if len(pools["stays"]) != 1000 || len(pools["goes"]) != 200 {
		t.Fatalf("%d pools stay and %d go", len(pools["stays"]), len(pools["goes"]))
	}
	text, err := json.Marshal(pools["stays"])
	if err != nil {
		t.Fatal(err)
	}
	stay := filepath.Join(t.TempDir(), "stay.json")
	if err := os.WriteFile(stay, text, 0o600); err != nil {
		t.Fatal(err)
	}

	changes := n.churn(t, pools["goes"])
	env := clientEnv(n.url, nowhere, "", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "STAY="+stay)
	walk := func(t *testing.T, name, script string) {
		t.Helper()
		before := changes.Load()
		suite(t, env, name, script)
		if meanwhile := changes.Load() - before; meanwhile == 0 {
			t.Error("no pool was made or deleted meanwhile")
		} else {
			t.Logf("%d pools were made or deleted meanwhile", meanwhile)
		}
	}
	t.Run("javascript", func(t *testing.T) {
		t.Parallel()
		npmPackages(t)
		walk(t, "node", "pages.mjs")
	})
	t.Run("boto3", func(t *testing.T) {
		t.Parallel()
		walk(t, python(t), "pages.py")
	})
}

func (n *node) makePool(name string) (id string, err error) {
	var pool struct{ IdentityPoolId string }
	err = call(n.url, "CreateIdentityPool", map[string]any{"IdentityPoolName": name, "AllowUnauthenticatedIdentities": false}, anySignature, &pool)
	return pool.IdentityPoolId, err
}

// deletePool deletes a pool, unless somebody was quicker.
func (n *node) deletePool(id string) error {
	status, answer, err := post(n.url, "DeleteIdentityPool", `{"IdentityPoolId":"`+id+`"}`, anySignature)
	if err == nil && status != http.StatusOK && !strings.Contains(answer, "ResourceNotFoundException") {
		err = errors.New(answer)
	}
	return err
}

// pools lists the IDs of all pools by name, in the order of the listing.
func (n *node) pools(t *testing.T) map[string][]string {
	t.Helper()
	ids := map[string][]string{}
	for next := ""; ; {
		in := map[string]any{"MaxResults": 60}
		if next != "" {
			in["NextToken"] = next
		}
		var page struct {
			IdentityPools []struct{ IdentityPoolId, IdentityPoolName string }
			NextToken     string
		}
		if err := call(n.url, "ListIdentityPools", in, anySignature, &page); err != nil {
			t.Fatal(err)
		}
		for _, p := range page.IdentityPools {
			ids[p.IdentityPoolName] = append(ids[p.IdentityPoolName], p.IdentityPoolId)
		}
		if next = page.NextToken; next == "" {
			return ids
		}
	}
}

// churn deletes the pools that go, and makes others and deletes them, until the
// test ends. It counts what it changed.
func (n *node) churn(t *testing.T, goes []string) (changes *atomic.Int64) {
	t.Helper()
	changes = new(atomic.Int64)
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	t.Cleanup(func() {
		stop()
		done.Wait()
	})
	every := func(pause time.Duration, change func() error) {
		done.Go(func() {
			for tick := time.NewTicker(pause); ; {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				if err := change(); err != nil {
					t.Error(err)
					return
				}
				changes.Add(1)
			}
		})
	}
	rand.Shuffle(len(goes), func(i, j int) { goes[i], goes[j] = goes[j], goes[i] })
	var fresh []string
	every(10*time.Millisecond, func() error {
		if len(fresh) == 20 {
			oldest := fresh[0]
			fresh = fresh[1:]
			return n.deletePool(oldest)
		}
		id, err := n.makePool("fresh")
		fresh = append(fresh, id)
		return err
	})
	every(100*time.Millisecond, func() error {
		if len(goes) == 0 {
			<-ctx.Done()
			return nil
		}
		one := goes[0]
		goes = goes[1:]
		return n.deletePool(one)
	})
	return changes
}
