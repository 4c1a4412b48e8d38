package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// maxBinary is the budget of the program, in bytes.
const maxBinary = 30_000_000

// TestSize holds that the program keeps its budget, built as a release is. What
// breaks it at once, by five megabytes, is a library that calls methods by
// names which it makes up at run time: docs/decisions/0010-a-command-line-without-reflection.md.
func TestSize(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a release")
	}
	folder := t.TempDir()
	release := exec.Command("../../tools/release.sh", "test", "", folder)
	release.Env = append(os.Environ(), "ARCHS="+runtime.GOARCH, "NO_BOM=1")
	if out, err := release.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	binary, err := os.Stat(filepath.Join(folder, "idpool-linux-"+runtime.GOARCH))
	if err != nil {
		t.Fatal(err)
	}
	if binary.Size() > maxBinary {
		t.Errorf("the program has %d bytes, at most %d", binary.Size(), maxBinary)
	}
}
