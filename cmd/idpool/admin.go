package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"idpool/internal/control"
	"idpool/internal/credential"
	"idpool/internal/seal"
	"idpool/internal/store/sqlite"
	"idpool/internal/token"
)

// storeFlags are the flags of every command that works on a store, whether a
// server runs on it or not.
type storeFlags struct {
	Data        string
	DatabaseURL string
	Region      string
	MasterKey   string
	MasterFile  string
}

func (f *storeFlags) flags() []flag {
	return []flag{
		{name: "data", to: text(&f.Data), kind: "DIR", env: "IDPOOL_DATA", value: "./idpool-data", help: "Folder of the embedded store. A server may be running on it."},
		{name: "database-url", to: text(&f.DatabaseURL), kind: "URL", env: "IDPOOL_DATABASE_URL", help: "The PostgreSQL database of the servers, instead of a folder."},
		{name: "region", to: text(&f.Region), env: "IDPOOL_REGION", value: "us-east-1", hidden: true},
		{name: "master-key", to: text(&f.MasterKey), env: "IDPOOL_MASTER_KEY", hidden: true},
		{name: "master-key-file", to: text(&f.MasterFile), env: "IDPOOL_MASTER_KEY_FILE", hidden: true},
	}
}

// do works on the database, beside the servers on it. A folder is one server's:
// do asks the one that runs on it, or opens the store itself if none does.
func (f storeFlags) do(ctx context.Context, fn func(control.Admin) error) error {
	if f.DatabaseURL != "" {
		if f.MasterKey == "" && f.MasterFile == "" {
			return usageError{errors.New(noSharedKey)}
		}
		return f.open(ctx, fn)
	}
	err := fn(control.Client{Folder: f.Data})
	if !errors.Is(err, control.ErrNotRunning) {
		return err
	}
	if _, err := os.Stat(filepath.Join(f.Data, "idpool.db")); errors.Is(err, fs.ErrNotExist) {
		return hinted{fmt.Errorf("there is no store in %s", f.Data), "start the server once, or name its folder with --data"}
	}
	return f.open(ctx, fn)
}

// open does it on the store itself.
func (f storeFlags) open(ctx context.Context, fn func(control.Admin) error) error {
	serve := serveCommand{Data: f.Data, DatabaseURL: f.DatabaseURL, MasterKey: f.MasterKey, MasterFile: f.MasterFile}
	store, keyring, err := serve.open(ctx)
	if errors.Is(err, sqlite.ErrInUse) {
		return hinted{err, "a server of another version runs there: stop it, or ask it with its own program"}
	}
	if err != nil {
		return err
	}
	defer store.Close()
	keys := &token.Keys{Store: store, Box: keyring.Box("signing keys"), Region: f.Region, Now: time.Now}
	// As at the start of a server: what another master key seals would stand in
	// this store and never be opened together with the rest.
	if _, err := keys.Open(ctx); err != nil {
		return foreign(err)
	}
	return foreign(fn(control.Local{
		Broker: credential.NewBroker(credential.Config{Store: store, Keyring: keyring, Now: time.Now}),
		Keys:   keys,
	}))
}

// foreign says what to do about a master key that opens nothing.
func foreign(err error) error {
	if errors.Is(err, seal.ErrOpen) {
		return hinted{err, "the master key does not belong to this store; give the one that it was made with"}
	}
	return err
}
