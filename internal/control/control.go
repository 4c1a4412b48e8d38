// Package control lets the tools of a machine ask the server that runs on a data
// folder, because the folder belongs to that one process.
//
//	idpool key rotate ─► Client ─► socket in the data folder ─► Handler ─► the running server
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
	"idpool/internal/token"
)

// socketName is the socket's name in the data folder.
const socketName = "control.sock"

// ErrNotRunning is the error of a client where no server runs on the folder.
var ErrNotRunning = errors.New("no server runs on this data folder")

// Admin is what the tools of a machine can have done.
type Admin interface {
	// CreateAccount makes an account and returns its root key. The error is
	// of kind Exists if there is one, Invalid if the ID is not twelve digits.
	CreateAccount(ctx context.Context, id string) (credential.RootKey, error)
	// SigningKeys describes the keys that sign OpenID tokens, RotateSigningKey
	// makes the next one, RetireSigningKey ends the life of one. They fail as
	// the methods of [token.Keys] do.
	SigningKeys(ctx context.Context) ([]token.Info, error)
	RotateSigningKey(ctx context.Context, atOnce bool) (token.Info, error)
	RetireSigningKey(ctx context.Context, id string) error
	// Rewrap seals everything in the store under the first master key, and
	// returns how much was sealed under another.
	Rewrap(ctx context.Context) (int, error)
}

// Local does it itself, on an open store.
type Local struct {
	Broker *credential.Broker
	Keys   *token.Keys
}

// CreateAccount implements Admin.
func (l Local) CreateAccount(ctx context.Context, id string) (credential.RootKey, error) {
	return l.Broker.CreateAccount(ctx, id)
}

// SigningKeys implements Admin.
func (l Local) SigningKeys(ctx context.Context) ([]token.Info, error) { return l.Keys.List(ctx) }

// RotateSigningKey implements Admin.
func (l Local) RotateSigningKey(ctx context.Context, atOnce bool) (token.Info, error) {
	return l.Keys.Rotate(ctx, atOnce)
}

// RetireSigningKey implements Admin.
func (l Local) RetireSigningKey(ctx context.Context, id string) error { return l.Keys.Retire(ctx, id) }

// Rewrap implements Admin.
func (l Local) Rewrap(ctx context.Context) (int, error) {
	keys, err := l.Keys.Rewrap(ctx)
	if err != nil {
		return keys, err
	}
	secrets, err := l.Broker.Rewrap(ctx)
	return keys + secrets, err
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

// The bodies of requests and answers.
type (
	account struct {
		ID              string `json:"id"`
		AccessKeyID     string `json:"access_key_id,omitempty"`
		SecretAccessKey string `json:"secret_access_key,omitempty"`
	}
	rotation struct {
		Now bool `json:"now"`
	}
	key struct {
		ID string `json:"id"`
	}
	count struct {
		N int `json:"n"`
	}
	nothing struct{}
	failure struct {
		Error string `json:"error"`
	}
)

// Handler answers tools.
func Handler(a Admin) http.Handler {
	mux := http.NewServeMux()
	handle(mux, "/accounts/create", func(ctx context.Context, in account) (account, error) {
		root, err := a.CreateAccount(ctx, in.ID)
		return account{ID: in.ID, AccessKeyID: root.ID, SecretAccessKey: root.Secret}, err
	})
	handle(mux, "/keys/list", func(ctx context.Context, _ nothing) ([]token.Info, error) { return a.SigningKeys(ctx) })
	handle(mux, "/keys/rotate", func(ctx context.Context, in rotation) (token.Info, error) { return a.RotateSigningKey(ctx, in.Now) })
	handle(mux, "/keys/retire", func(ctx context.Context, in key) (nothing, error) { return nothing{}, a.RetireSigningKey(ctx, in.ID) })
	handle(mux, "/rewrap", func(ctx context.Context, _ nothing) (count, error) {
		n, err := a.Rewrap(ctx)
		return count{n}, err
	})
	return mux
}

// handle serves one thing that tools ask for.
func handle[In, Out any](mux *http.ServeMux, path string, do func(context.Context, In) (Out, error)) {
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&in); err != nil {
			answer(w, http.StatusBadRequest, failure{err.Error()})
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			answer(w, http.StatusConflict, failure{err.Error()})
			return
		}
		answer(w, http.StatusOK, out)
	})
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
const timeout = 30 * time.Second

// Client asks the server that runs on a folder. Its methods fail with
// [ErrNotRunning] where none does.
type Client struct{ Folder string }

// CreateAccount implements Admin.
func (c Client) CreateAccount(ctx context.Context, id string) (credential.RootKey, error) {
	made, err := ask[account](ctx, c, "/accounts/create", account{ID: id})
	return credential.RootKey{ID: made.AccessKeyID, Secret: made.SecretAccessKey}, err
}

// SigningKeys implements Admin.
func (c Client) SigningKeys(ctx context.Context) ([]token.Info, error) {
	return ask[[]token.Info](ctx, c, "/keys/list", nothing{})
}

// RotateSigningKey implements Admin.
func (c Client) RotateSigningKey(ctx context.Context, atOnce bool) (token.Info, error) {
	return ask[token.Info](ctx, c, "/keys/rotate", rotation{atOnce})
}

// RetireSigningKey implements Admin.
func (c Client) RetireSigningKey(ctx context.Context, id string) error {
	_, err := ask[nothing](ctx, c, "/keys/retire", key{id})
	return err
}

// Rewrap implements Admin.
func (c Client) Rewrap(ctx context.Context) (int, error) {
	done, err := ask[count](ctx, c, "/rewrap", nothing{})
	return done.N, err
}

// ask sends a request to the server that runs on the folder.
func ask[Out any](ctx context.Context, c Client, path string, in any) (out Out, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err = inFolder(c.Folder, func(address string) error {
		client := &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", address)
			},
		}}
		body, err := json.Marshal(in)
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control"+path, bytes.NewReader(body))
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
		text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if err != nil {
			return err
		}
		if resp.StatusCode == http.StatusNotFound {
			return errors.New("the server that runs there is older than this program")
		}
		if resp.StatusCode != http.StatusOK {
			var f failure
			json.Unmarshal(text, &f)
			return errors.New(f.Error)
		}
		return json.Unmarshal(text, &out)
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotRunning // not even the folder
	}
	return out, err
}
