package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"idpool/internal/idpool"
)

// What a disk can do to a store, done by the kernel to a child: a limit on the
// size of files is a disk that is full for a while, and a seccomp filter lets
// system calls fail, from a moment on and for ever.

func init() {
	roles["full for a while"] = fullForAWhile
	roles["full"] = func(path string) error { return broken(path, syscall.ENOSPC, rule{call: syscall.SYS_PWRITE64}) }
	roles["broken"] = func(path string) error { return broken(path, syscall.EIO, rule{call: syscall.SYS_PWRITE64}) }
	roles["read-only"] = func(path string) error { return broken(path, syscall.EROFS, rule{call: syscall.SYS_PWRITE64}) }
	roles["cannot sync"] = func(path string) error {
		return broken(path, syscall.EIO, rule{call: syscall.SYS_FSYNC}, rule{call: syscall.SYS_FDATASYNC})
	}
	roles["read-only from the start"] = readOnlyFromTheStart
}

// before is how many rows a child has put, and was answered, before the fault.
const before = 20

// TestDiskFaults: what was answered before a fault is there after it; while it
// lasts nothing is answered that is not durable, and reads go on.
func TestDiskFaults(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"full for a while", "full", "broken", "read-only", "cannot sync"} {
		t.Run(role, func(t *testing.T) {
			path := fresh(t)
			answered := before
			for _, line := range start(t, role, path).finish(t) {
				if _, err := fmt.Sscanf(line, "answered %d", &answered); err != nil {
					t.Errorf("the child said %q", line)
				}
			}
			s := open(t, path)
			rows, err := held(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			for n := range answered {
				if !rows[n] {
					t.Errorf("row %d was answered and is lost", n)
				}
			}
			for n := range rows { // an update that failed may be there when the sync failed: nobody knew
				if n >= answered && role != "cannot sync" {
					t.Errorf("row %d was refused and is there", n)
				}
			}
			audit(t, s)
			if err := s.Update(t.Context(), name(1000)); err != nil {
				t.Errorf("after the fault: %v", err)
			}
		})
	}
}

// openAndFill opens a database, with a small cache, and puts rows, each of them
// answered.
func openAndFill(ctx context.Context, path string) (*Store, error) {
	s, err := Open(ctx, path)
	if err == nil {
		err = s.writer.control("PRAGMA cache_size = 50")
	}
	for n := 0; n < before && err == nil; n++ {
		err = s.Update(ctx, name(n))
	}
	return s, err
}

// wantRefusals makes updates, some at once and one that is larger than the
// cache, all of which must fail because the store is not there, and leave
// reads as they were.
func wantRefusals(ctx context.Context, s *Store, rows int) error {
	const many = 16
	outcomes := make([]error, many+1)
	var updates sync.WaitGroup
	for n := range many {
		updates.Go(func() { outcomes[n] = s.Update(ctx, name(rows+n)) })
	}
	updates.Wait()
	outcomes[many] = s.Update(ctx, func(w idpool.Writer) error {
		for n := range 10 { // more than the cache, so that it is written before the commit
			p := idpool.OIDCProvider{Account: "111111111111", Name: fmt.Sprint(n), URL: strings.Repeat("x", 100_000)}
			if err := w.PutOIDCProvider(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	for n, err := range outcomes {
		if idpool.KindOf(err) != idpool.Unavailable {
			return fmt.Errorf("update %d: got %w of kind %d, want Unavailable", n, err, idpool.KindOf(err))
		}
	}
	for range 2 * readerCount {
		got, err := held(ctx, s)
		if err != nil || len(got) != rows {
			return fmt.Errorf("%d rows are read, want %d: %w", len(got), rows, err)
		}
	}
	return nil
}

// broken is a child whose disk fails, as the rules say, and stays so.
func broken(path string, errno syscall.Errno, rules ...rule) error {
	ctx := context.Background()
	s, err := openAndFill(ctx, path)
	if err != nil {
		return err
	}
	if err := refuse(errno, rules...); err != nil {
		return fmt.Errorf("refuse system calls: %w", err)
	}
	if err := wantRefusals(ctx, s, before); err != nil {
		return err
	}
	if noSync := rules[0].call == syscall.SYS_FSYNC; noSync != (s.Ping(ctx) != nil) {
		return fmt.Errorf("ping: %w", s.Ping(ctx))
	}
	s.Close() // may fail, must end
	return nil
}

// fullForAWhile is a child whose disk is full, and then is not.
func fullForAWhile(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	s, err := openAndFill(ctx, path)
	if err != nil {
		return err
	}
	rows := before
	for round := range 3 {
		log, err := os.Stat(path + "-wal")
		if err != nil {
			return err
		}
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
		room := limit
		limit.Cur = uint64(log.Size()) + 50_000
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
		for { // until it is full
			if err := s.Update(ctx, name(rows)); err != nil {
				break
			}
			rows++
		}
		if err := wantRefusals(ctx, s, rows); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &room); err != nil {
			return err
		}
		for range 10 {
			if err := s.Update(ctx, name(rows)); err != nil {
				return fmt.Errorf("round %d, with room again: %w", round, err)
			}
			rows++
		}
		if err := s.Ping(ctx); err != nil {
			return err
		}
	}
	say("answered %d", rows)
	return s.Close()
}

// TestReadOnlyDisk: a store on a disk that cannot be written does not open, and
// says why.
func TestReadOnlyDisk(t *testing.T) {
	path := fresh(t)
	made(t, path, 100)
	for _, role := range []string{"there", "not there"} {
		was := folder(t, filepath.Dir(path))
		start(t, "read-only from the start", path).finish(t)
		if now := folder(t, filepath.Dir(path)); !maps.Equal(was, now) {
			t.Errorf("%s: it changed what is there", role)
		}
		path = fresh(t)
	}
}

func readOnlyFromTheStart(path string) error {
	err := refuse(syscall.EROFS, rule{call: syscall.SYS_OPENAT, flags: syscall.O_WRONLY | syscall.O_RDWR | syscall.O_CREAT}, rule{call: syscall.SYS_PWRITE64})
	if err != nil {
		return fmt.Errorf("refuse system calls: %w", err)
	}
	s, err := Open(context.Background(), path)
	if err == nil {
		s.Close()
		return errors.New("it opened")
	}
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), path) {
		return fmt.Errorf("it does not say why: %w", err)
	}
	return nil
}

// rule names a system call to refuse: always, or if its third argument has one
// of the flags.
type rule struct {
	call, flags uint32
}

// refuse makes the kernel answer system calls of this process with an error,
// from now on (seccomp(2)).
func refuse(errno syscall.Errno, rules ...rule) error {
	const (
		load        = syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS
		jumpIfEqual = syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K
		jumpIfAny   = syscall.BPF_JMP | syscall.BPF_JSET | syscall.BPF_K
		give        = syscall.BPF_RET | syscall.BPF_K

		callNumber, thirdArgument = 0, 32 // offsets in struct seccomp_data
		answerError, allow        = 0x00050000, 0x7fff0000
		setNoNewPrivileges        = 38 // of prctl
		setFilter, allThreads     = 1, 1
	)
	var program []syscall.SockFilter
	for _, r := range rules {
		check := []syscall.SockFilter{{Code: give, K: answerError | uint32(errno)}}
		if r.flags != 0 {
			check = append([]syscall.SockFilter{{Code: load, K: thirdArgument}, {Code: jumpIfAny, K: r.flags, Jf: 1}}, check...)
		}
		program = append(program, syscall.SockFilter{Code: load, K: callNumber}, syscall.SockFilter{Code: jumpIfEqual, K: r.call, Jf: uint8(len(check))})
		program = append(program, check...)
	}
	program = append(program, syscall.SockFilter{Code: give, K: allow})

	seccomp, known := map[string]uintptr{"amd64": 317, "arm64": 277, "riscv64": 277}[runtime.GOARCH]
	if !known {
		return fmt.Errorf("the number of seccomp on %s is not known here", runtime.GOARCH)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, setNoNewPrivileges, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	filter := syscall.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, errno := syscall.RawSyscall(seccomp, setFilter, allThreads, uintptr(unsafe.Pointer(&filter))); errno != 0 {
		return errno
	}
	return nil
}
