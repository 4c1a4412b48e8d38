package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"idpool/internal/credential"
	"idpool/internal/seal"
)

// keyring reads the master key: from the environment, a file that it names, or
// the data folder. A new store gets a new key; an old one never does, because
// what it holds could not be opened with it.
func (c *serveCommand) keyring(newStore bool) (*seal.Keyring, error) {
	if c.MasterKey != "" {
		return parseKeys(c.MasterKey, "IDPOOL_MASTER_KEY")
	}
	path := c.MasterFile
	if path == "" {
		path = filepath.Join(c.Data, "master.key")
		if err := makeMasterKey(path, newStore); err != nil {
			return nil, err
		}
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, hinted{fmt.Errorf("the master key %s is missing", path), "the store cannot be read without it: restore it from a backup"}
	}
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	return parseKeys(string(text), path)
}

func parseKeys(text, from string) (*seal.Keyring, error) {
	keyring, err := seal.ParseKeys(text)
	if err != nil {
		return nil, hinted{fmt.Errorf("master key in %s: %w", from, err), "make one with: head -c 32 /dev/urandom | base64"}
	}
	return keyring, nil
}

// makeMasterKey makes the key of a new store, unless there is one.
func makeMasterKey(path string, newStore bool) error {
	if _, err := os.Stat(path); !newStore || !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	key := make([]byte, seal.KeySize)
	rand.Read(key)
	return writeDurably(path, base64.StdEncoding.EncodeToString(key)+"\n")
}

// writeCredentials writes the account's first root key in the form that AWS
// tools read.
func writeCredentials(path string, key credential.RootKey) error {
	return writeDurably(path, fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", key.ID, key.Secret))
}

// writeDurably writes a new file that only we can read, all of it or nothing.
func writeDurably(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
