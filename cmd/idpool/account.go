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
	"idpool/internal/store/sqlite"
)

type accountCommand struct {
	Create accountCreateCommand `cmd:"" help:"Make an account and print its root key, once."`
}

type accountCreateCommand struct {
	ID         string `required:"" help:"The account, twelve digits." placeholder:"ID"`
	Data       string `default:"./idpool-data" env:"IDPOOL_DATA" help:"Folder of the embedded store. A server may be running on it. Default: ./idpool-data." placeholder:"DIR"`
	MasterKey  string `name:"master-key" hidden:"" env:"IDPOOL_MASTER_KEY"`
	MasterFile string `name:"master-key-file" hidden:"" env:"IDPOOL_MASTER_KEY_FILE"`
}

// Run asks the server that runs on the folder, or opens the folder itself if
// none does. It prints the root key in the form that AWS tools read.
func (c accountCreateCommand) Run(ctx context.Context, s streams) error {
	if !twelveDigits.MatchString(c.ID) {
		return usageError{fmt.Errorf("--id: %q is not twelve digits", c.ID)}
	}
	key, err := control.Client{Folder: c.Data}.CreateAccount(ctx, c.ID)
	if errors.Is(err, control.ErrNotRunning) {
		key, err = c.create(ctx)
	}
	if err != nil {
		return fmt.Errorf("create account: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", c.ID, key.ID, key.Secret)
	return err
}

// create works on a store that no server has open.
func (c accountCreateCommand) create(ctx context.Context) (credential.RootKey, error) {
	serve := serveCommand{Data: c.Data, MasterKey: c.MasterKey, MasterFile: c.MasterFile}
	if _, err := os.Stat(filepath.Join(c.Data, "idpool.db")); errors.Is(err, fs.ErrNotExist) {
		return credential.RootKey{}, hinted{fmt.Errorf("there is no store in %s", c.Data), "start the server once, or name its folder with --data"}
	}
	store, keyring, err := serve.open(ctx)
	if errors.Is(err, sqlite.ErrInUse) {
		return credential.RootKey{}, hinted{err, "a server of another version runs there: stop it, or ask it with its own program"}
	}
	if err != nil {
		return credential.RootKey{}, err
	}
	defer store.Close()
	broker := credential.NewBroker(credential.Config{Store: store, Keyring: keyring, Now: time.Now})
	return broker.CreateAccount(ctx, c.ID)
}
