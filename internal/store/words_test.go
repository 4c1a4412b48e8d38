package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// forbidden are words that CockroachDB or YugabyteDB do not take, or take and
// do nothing, or that cost them dearly. What every engine must keep to is said
// in the comment of this package.
var forbidden = regexp.MustCompile(`(?i)\b(` + strings.Join([]string{
	`COLLATE`, `CITEXT`, // names of collations differ
	`SERIAL`, `BIGSERIAL`, `AS\s+IDENTITY`, `GENERATED`, `SEQUENCE`, `NEXTVAL`, // one counter for all nodes
	`\w*ADVISORY\w*`,               // taken, and does nothing
	`LISTEN`, `NOTIFY`, `UNLISTEN`, // not taken
	`MERGE\s+INTO`, `LOCK\s+TABLE`, // not taken
	`TRIGGER`, `FUNCTION`, `RULE`, // not taken, or in other words
	`INHERITS`, `PARTITION`, `TABLESPACE`,
	`JSON\w*`, `XML`, `TSVECTOR`, `HSTORE`, `ARRAY`, `UNNEST`, `ANY`, `TEXT`, `VARCHAR`, // the schema has BYTEA and BIGINT
	`CTID`, `XMIN`, `OID`, // of PostgreSQL's own storage
	`DEFERRABLE`, `TEMPORARY`, `TEMP`, `VACUUM`, `CLUSTER`, `COPY`,
	`EXTENSION`, `DO\s+\$`, `ILIKE`, `SIMILAR`,
}, "|") + `)\b|->|::`)

// statement matches SQL among the strings of a program.
var statement = regexp.MustCompile(`(?is)^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|BEGIN|COMMIT|ROLLBACK|WITH|DROP|SET|LOCK)\s`)

// TestWords holds every statement, of the shared text, of the PostgreSQL engine
// and of its migrations, to what its kin take too.
func TestWords(t *testing.T) {
	statements := map[string]string{}
	for _, pattern := range []string{"*.go", "postgres/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				collect(t, file, statements)
			}
		}
	}
	shared := len(statements)
	files, err := filepath.Glob("postgres/migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		statements[file] = regexp.MustCompile(`--.*`).ReplaceAllString(string(text), "")
	}
	if shared < 40 || len(files) < 3 {
		t.Fatalf("found only %d statements and %d migrations", shared, len(files))
	}
	for where, sql := range statements {
		if word := forbidden.FindString(sql); word != "" {
			t.Errorf("%s: %q is not for every engine", where, word)
		}
	}
}

// collect finds the statements in a file of Go.
func collect(t *testing.T, file string, statements map[string]string) {
	t.Helper()
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err == nil && statement.MatchString(text) {
			statements[files.Position(literal.Pos()).String()] = text
		}
		return true
	})
}

// TestForbidden: the words are found where they stand, and not inside of others.
func TestForbidden(t *testing.T) {
	for sql, want := range map[string]string{
		`SELECT a FROM b ORDER BY a COLLATE "C"`:        "COLLATE",
		`SELECT pg_advisory_xact_lock(1)`:               "pg_advisory_xact_lock",
		`CREATE TABLE a (id BIGSERIAL)`:                 "BIGSERIAL",
		`CREATE TABLE a (id TEXT)`:                      "TEXT",
		`listen changes`:                                "listen",
		`SELECT a::bytea FROM b`:                        "::",
		`SELECT id FROM identity WHERE pool = $1`:       "",
		`INSERT INTO identity (id, pool) VALUES ($1)`:   "",
		`SELECT merged_into, anything FROM sequence_of`: "",
	} {
		if got := forbidden.FindString(sql); got != want {
			t.Errorf("%s: found %q, want %q", sql, got, want)
		}
	}
}
