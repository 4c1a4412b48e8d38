package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cpuOf is the processor time that a process has used, in microseconds. It is 0
// where the system does not tell.
func cpuOf(pid int) float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name may hold blanks
	if len(fields) < 13 {
		return 0
	}
	const tick = 10_000 // µs
	user, _ := strconv.ParseFloat(string(fields[11]), 64)
	system, _ := strconv.ParseFloat(string(fields[12]), 64)
	return (user + system) * tick
}

// ownCPU is the same of this process.
func ownCPU() float64 {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return float64(time.Duration(r.Utime.Nano() + r.Stime.Nano()).Microseconds())
}

// residentMB is a line of what the system tells about a process's memory. It is
// 0 where the system does not tell.
func residentMB(pid int, line string) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), line)
	var kB float64
	fmt.Sscan(rest, &kB)
	return kB / 1024
}

// profile takes a CPU profile of the server in the second round, if one was
// asked for, until the function returned is called.
func (b *bench) profile(ctx context.Context, name string, round int) func() {
	if b.Profile == "" || round != 1 {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		seconds := max(1, int(b.Time.Seconds()))
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", b.ours.Admin, seconds), nil)
		if err != nil {
			return
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		if profile, err := io.ReadAll(resp.Body); err == nil {
			file := strings.Map(func(r rune) rune {
				if r == ' ' || r == ',' {
					return '-'
				}
				return r
			}, name) + ".pprof"
			os.WriteFile(filepath.Join(b.Profile, file), profile, 0o644)
		}
	}()
	return func() { <-done }
}
