// Package control lets the tools of a machine ask the server that runs on a data
// folder, because the folder belongs to that one process.
//
//	idpool account create ─► Client ─► socket in the data folder ─► Handler ─► the running server
//
// Whoever may open the socket, in a folder of mode 0700, may read the master key
// beside it: nothing more is asked.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"idpool/internal/credential"
	"idpool/internal/idpool"
)

// socketName is the socket's name in the data folder.
const socketName = "control.sock"

// ErrNotRunning is the error of a client where no server runs on the folder.
var ErrNotRunning = errors.New("no server runs on this data folder")

// Broker is what a running server can do for a tool.
type Broker interface {
	CreateAccount(ctx context.Context, id string) (credential.RootKey, error)
}

// inFolder calls fn with an address of the socket that is short, however long
// the folder's name is: the address of a socket has 107 bytes at the most.
func inFolder(folder string, fn func(address string) error) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	return fn(fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), socketName))
}

// Listen makes the socket. It takes the place of one that a server left behind
// which did not end well; the caller holds the lock of the store, so no other
// server uses it.
func Listen(folder string) (net.Listener, error) {
	if err := os.Remove(filepath.Join(folder, socketName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	var l net.Listener
	err := inFolder(folder, func(address string) (err error) {
		if l, err = net.Listen("unix", address); err != nil {
			return err
		}
		l.(*net.UnixListener).SetUnlinkOnClose(false) // the address is gone by then
		return os.Chmod(filepath.Join(folder, socketName), 0o600)
	})
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return &socket{l, filepath.Join(folder, socketName)}, nil
}

// socket removes its file when it is closed.
type socket struct {
	net.Listener
	path string
}

func (s *socket) Close() error {
	os.Remove(s.path)
	return s.Listener.Close()
}

type account struct {
	ID              string `json:"id"`
	AccessKeyID     string `json:"access_key_id,omitempty"`
	SecretAccessKey string `json:"secret_access_key,omitempty"`
}

type failure struct {
	Error string `json:"error"`
}

// Handler answers tools.
func Handler(b Broker) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /accounts", func(w http.ResponseWriter, r *http.Request) {
		var in account
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&in); err != nil {
			answer(w, http.StatusBadRequest, failure{err.Error()})
			return
		}
		key, err := b.CreateAccount(r.Context(), in.ID)
		switch idpool.KindOf(err) {
		case idpool.Exists:
			answer(w, http.StatusConflict, failure{err.Error()})
		default:
			if err != nil {
				answer(w, http.StatusInternalServerError, failure{err.Error()})
				return
			}
			answer(w, http.StatusOK, account{ID: in.ID, AccessKeyID: key.ID, SecretAccessKey: key.Secret})
		}
	})
	return mux
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

// timeout bounds a call.
const timeout = 10 * time.Second

// Client asks the server that runs on a folder. It implements [Broker].
type Client struct{ Folder string }

// CreateAccount makes an account and returns its root key. It fails with
// [ErrNotRunning] where no server runs.
func (c Client) CreateAccount(ctx context.Context, id string) (key credential.RootKey, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err = inFolder(c.Folder, func(address string) error {
		client := &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", address)
			},
		}}
		body, err := json.Marshal(account{ID: id})
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control/accounts", bytes.NewReader(body))
		if err != nil {
			return err
		}
		resp, err := client.Do(r)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return ErrNotRunning
		}
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			var f failure
			json.Unmarshal(text, &f)
			return errors.New(f.Error)
		}
		var made account
		if err := json.Unmarshal(text, &made); err != nil {
			return err
		}
		key = credential.RootKey{ID: made.AccessKeyID, Secret: made.SecretAccessKey}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotRunning // not even the folder
	}
	return key, err
}
