package node_test

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/login/logintest"
	"idpool/internal/node"
	"idpool/internal/store/postgres"
	"idpool/internal/store/postgres/pgtest"
)

// nodes starts two nodes on one database, each with connections of its own.
func nodes(t *testing.T) (one, two *world) {
	t.Helper()
	address := pgtest.Database(t)
	node := func() *world {
		store, err := postgres.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		w, stop := start(t, store, func(c *node.Config) { c.Issuer, c.RolesByName, c.Shared = "http://pool.example.com", true, true })
		t.Cleanup(func() { stop(); store.Close() })
		return w
	}
	return node(), node()
}

// also makes calls of a world from many goroutines.
func also(w *world) *world {
	mine := *w
	return &mine
}

// TestTwoNodes: what is made on one node is used on the other, what changes is
// known there within a second, and both sign with the same keys.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	one, two := nodes(t)
	root := credentials{one.root.ID, one.root.Secret, ""}
	type m = map[string]any
	var pool struct {
		ID string `json:"IdentityPoolId"`
	}
	var guest struct {
		ID    string `json:"IdentityId"`
		Token string
	}
	var out struct {
		Credentials struct{ AccessKeyID, SecretKey, SessionToken string }
	}
	one.cognito("CreateIdentityPool", root, 200, m{"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": true}, &pool)
	one.cognito("SetIdentityPoolRoles", root, 200, m{"IdentityPoolId": pool.ID, "Roles": m{"unauthenticated": "arn:aws:iam::" + account + ":role/guest"}}, nil)
	two.cognito("GetId", credentials{}, 200, m{"IdentityPoolId": pool.ID}, &guest)
	one.cognito("GetOpenIdToken", credentials{}, 200, m{"IdentityId": guest.ID}, &guest)
	for given, status := time.Now(), 0; status != 200; { // the other node may have read the pool before it had roles
		asked := time.Now()
		if status, _ = two.send("POST", "", "application/x-amz-json-1.1", "GetCredentialsForIdentity", fmt.Sprintf(`{"IdentityId":%q}`, guest.ID), credentials{}); status != 200 && asked.Sub(given) > time.Second {
			t.Fatalf("a role is not known %s after it was given", asked.Sub(given))
		}
	}
	two.cognito("GetCredentialsForIdentity", credentials{}, 200, m{"IdentityId": guest.ID}, &out)
	one.sts(credentials{out.Credentials.AccessKeyID, out.Credentials.SecretKey, out.Credentials.SessionToken}, 200, "Action", "GetCallerIdentity")
	two.sts(credentials{}, 200, "Action", "AssumeRoleWithWebIdentity", "RoleArn", "arn:aws:iam::"+account+":role/app", "RoleSessionName", "web", "WebIdentityToken", guest.Token)
	_, keys := one.do(mustRequest(t, one.url+"/.well-known/jwks.json"))
	if _, other := two.do(mustRequest(t, two.url+"/.well-known/jwks.json")); other != keys {
		t.Errorf("one node has the keys %s, the other %s", keys, other)
	}

	// A page begun on one node is continued on the other.
	one.cognito("CreateIdentityPool", root, 200, m{"IdentityPoolName": "q", "AllowUnauthenticatedIdentities": true}, nil)
	var first, second struct {
		IdentityPools []struct{ IdentityPoolName string }
		NextToken     string
	}
	one.cognito("ListIdentityPools", root, 200, m{"MaxResults": 1}, &first)
	two.cognito("ListIdentityPools", root, 200, m{"MaxResults": 1, "NextToken": first.NextToken}, &second)
	if len(first.IdentityPools) != 1 || len(second.IdentityPools) != 1 || reflect.DeepEqual(first.IdentityPools, second.IdentityPools) {
		t.Errorf("pages %v and %v", first, second)
	}

	// Guests are turned off on one node: a moment later the other refuses them.
	one.cognito("UpdateIdentityPool", root, 200, m{"IdentityPoolId": pool.ID, "IdentityPoolName": "p", "AllowUnauthenticatedIdentities": false}, nil)
	changed := time.Now()
	for status := 0; status != 400; {
		asked := time.Now()
		status, _ = two.send("POST", "", "application/x-amz-json-1.1", "GetCredentialsForIdentity", fmt.Sprintf(`{"IdentityId":%q}`, guest.ID), credentials{})
		if status == 200 && asked.Sub(changed) > time.Second {
			t.Fatalf("a guest was served %s after guests were turned off", asked.Sub(changed))
		}
	}

	// A pool is gone on both, whichever purges it.
	one.cognito("DeleteIdentityPool", root, 200, m{"IdentityPoolId": pool.ID}, nil)
	two.cognito("GetId", credentials{}, 400, m{"IdentityPoolId": pool.ID}, nil)
}

// TestOnePersonTwoNodes: 64 first sign-ins of one person at once, through both
// nodes, give one identity.
func TestOnePersonTwoNodes(t *testing.T) {
	t.Parallel()
	one, two := nodes(t)
	root := credentials{one.root.ID, one.root.Secret, ""}
	type m = map[string]any
	issuer := logintest.NewIssuer(t)
	trust(t, one, issuer)
	var pool struct {
		ID string `json:"IdentityPoolId"`
	}
	one.cognito("CreateIdentityPool", root, 200, m{"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": false,
		"OpenIdConnectProviderARNs": []string{idpool.ProviderARN(account, issuer.Name())}}, &pool)
	for _, person := range []string{"ann", "bob", "cat"} {
		token := issuer.Token(person)
		ids := make([]string, 64)
		var clients sync.WaitGroup
		for n := range ids {
			w := also([]*world{one, two}[n%2])
			clients.Go(func() {
				var out struct {
					ID string `json:"IdentityId"`
				}
				w.cognito("GetId", credentials{}, 200, m{"IdentityPoolId": pool.ID, "Logins": m{issuer.Name(): token}}, &out)
				ids[n] = out.ID
			})
		}
		clients.Wait()
		for _, id := range ids {
			if id == "" || id != ids[0] {
				t.Fatalf("%s has the identities %q", person, ids)
			}
		}
	}
	var list struct {
		Identities []struct{ Logins []string }
	}
	two.cognito("ListIdentities", root, 200, m{"IdentityPoolId": pool.ID, "MaxResults": 60}, &list)
	if len(list.Identities) != 3 {
		t.Errorf("%d identities of three people", len(list.Identities))
	}
}

// TestPurgeByTwoNodes: nodes that remove the rows of one deleted pool at once
// do not hinder each other.
func TestPurgeByTwoNodes(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	stores := make([]idpool.Store, 2) // without the nodes, which purge too
	for n := range stores {
		store, err := postgres.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		stores[n] = store
	}
	pool := idpool.Pool{ID: idpool.NewPoolID("us-east-1"), Account: account, Name: "p", Version: 1}
	err := stores[0].Update(t.Context(), func(w idpool.Writer) error { return w.CreatePool(t.Context(), pool) })
	for n := 0; n < 400 && err == nil; n += 100 {
		err = stores[0].Update(t.Context(), func(w idpool.Writer) error {
			for k := range 100 {
				i := idpool.Identity{ID: idpool.NewIdentityID("us-east-1", time.Now()), Pool: pool.ID, Logins: []idpool.Login{{Provider: "a", Subject: fmt.Sprint(n + k)}}}
				if err := w.CreateIdentity(t.Context(), i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err == nil {
		err = stores[0].Update(t.Context(), func(w idpool.Writer) error { return w.DeletePool(t.Context(), pool.ID) })
	}
	if err != nil {
		t.Fatal(err)
	}
	removed := make([]int, 4)
	var purgers sync.WaitGroup
	for n := range removed {
		store := stores[n%2]
		purgers.Go(func() {
			for gone := 30; gone == 30; {
				err := store.Update(t.Context(), func(w idpool.Writer) (err error) {
					gone, err = w.PurgeIdentities(t.Context(), pool.ID, 30)
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
				removed[n] += gone
			}
		})
	}
	purgers.Wait()
	sum := 0
	for _, n := range removed {
		sum += n
	}
	if sum != 400 {
		t.Errorf("removed %v, %d in all, of 400", removed, sum)
	}
	var left []idpool.Identity
	var deleted []idpool.PoolID
	err = stores[1].View(t.Context(), func(r idpool.Reader) (err error) {
		if left, err = r.Identities(t.Context(), pool.ID, "", 10); err == nil {
			deleted, err = r.DeletedPools(t.Context())
		}
		return err
	})
	if err != nil || len(left)+len(deleted) > 0 {
		t.Errorf("left: %v, %v, %v", left, deleted, err)
	}
}

// TestDatabaseAway: while the database is away requests fail with a fault that
// clients repeat, and the node says that it is not ready; when it is back all
// is well.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	store, err := postgres.Open(t.Context(), server.Schema(t))
	if err != nil {
		t.Fatal(err)
	}
	w, stop := start(t, store, func(c *node.Config) { c.Shared = true })
	t.Cleanup(func() { stop(); store.Close() })
	root := credentials{w.root.ID, w.root.Secret, ""}
	type m = map[string]any
	var pool struct {
		ID string `json:"IdentityPoolId"`
	}
	w.cognito("CreateIdentityPool", root, 200, m{"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": true}, &pool)
	w.cognito("GetId", credentials{}, 200, m{"IdentityPoolId": pool.ID}, nil)
	server.Stop(t)
	var fault struct {
		Type string `json:"__type"`
	}
	w.cognito("GetId", credentials{}, 500, m{"IdentityPoolId": pool.ID}, &fault)
	if fault.Type != "InternalErrorException" {
		t.Errorf("the fault is %s", fault.Type)
	}
	if status, text := w.do(mustRequest(t, w.admin+"/readyz")); status != 503 {
		t.Errorf("not ready is %d %s", status, text)
	}
	server.Start(t)
	w.cognito("GetId", credentials{}, 200, m{"IdentityPoolId": pool.ID}, nil)
	if status, text := w.do(mustRequest(t, w.admin+"/readyz")); status != 200 {
		t.Errorf("ready is %d %s", status, text)
	}
}
