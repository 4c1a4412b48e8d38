package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigurationsInDocs holds that the configuration files which docs shows
// are some, and say where the roles of others are.
func TestConfigurationsInDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/recipes/*.md")
	if err != nil || len(pages) < 3 {
		t.Fatalf("pages %q (%v)", pages, err)
	}
	for _, page := range append(pages, "../../docs/upstream.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := strings.Split(string(text), "\n```yaml\n")[1:]
		if len(blocks) == 0 {
			t.Errorf("%s shows no configuration", page)
		}
		for _, block := range blocks {
			block, _, _ = strings.Cut(block, "```")
			path := filepath.Join(t.TempDir(), "idpool.yaml")
			if err := os.WriteFile(path, []byte(block), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := readConfig(path, nil)
			if err != nil {
				t.Errorf("%s: %v", page, err)
			} else if len(c.STS.Upstreams) == 0 || len(c.STS.Roles) == 0 {
				t.Errorf("%s names no roles of others:\n%s", page, block)
			}
		}
	}
}
