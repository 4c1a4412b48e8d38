package vectors

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const folder = "testdata/vectors"

// vector is one file: a request, and the answer to it.
type vector struct {
	name  string // OPERATION/FILE
	about string // what it shows

	op     string   // the operation it is for; none for a vector of the protocol
	server string   // where the request goes
	given  []string // what is done before
	as     string   // who signs
	sign   []string // what is odd about the signature
	header []string // what is odd about the header
	expect string   // "ok", an error's code, or a status

	request  string
	response string
	token    string // what ${token} says, if that is looked at
}

var section = regexp.MustCompile(`(?m)^-- (response|token) --\n`)

// parse reads a file.
func parse(name, text string) (*vector, error) {
	v := &vector{name: name}
	starts := section.FindAllStringSubmatchIndex(text, -1)
	if len(starts) == 0 {
		return nil, errors.New("there is no response")
	}
	for i, at := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		into := map[string]*string{"response": &v.response, "token": &v.token}[text[at[2]:at[3]]]
		if *into != "" {
			return nil, errors.New("a section stands twice")
		}
		*into = lines(text[at[1]:end])
	}
	head, request, _ := strings.Cut(lines(text[:starts[0][0]]), "\n\n")
	v.request = request
	for line := range strings.SplitSeq(head, "\n") {
		if comment, ok := strings.CutPrefix(line, "# "); ok {
			v.about = strings.TrimSpace(v.about + " " + comment)
			continue
		}
		key, value, _ := strings.Cut(line, ": ")
		one := map[string]*string{"op": &v.op, "server": &v.server, "as": &v.as, "expect": &v.expect}[key]
		switch {
		case one != nil && *one == "" && value != "":
			*one = value
		case key == "given":
			v.given = append(v.given, value)
		case key == "header":
			v.header = append(v.header, value)
		case key == "sign":
			v.sign = append(v.sign, strings.Fields(value)...)
		default:
			return nil, fmt.Errorf("the line %q means nothing", line)
		}
	}
	if v.about == "" || v.expect == "" {
		return nil, errors.New("it must say what it shows and what it expects")
	}
	return v, nil
}

// lines takes the end off the last line: a body that ends with a line is
// followed by an empty one in the file.
func lines(text string) string { return strings.TrimSuffix(text, "\n") }

// readAll reads every vector. A folder without any is a failure, as is a file
// that would never be run.
func readAll(t *testing.T) []*vector {
	t.Helper()
	var all []*vector
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path == filepath.Join(folder, "README.md") {
			return err
		}
		rel, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		name, isText := strings.CutSuffix(filepath.ToSlash(rel), ".txt")
		if !isText || strings.Count(name, "/") != 1 {
			return fmt.Errorf("%s is not of the form FOLDER/NAME.txt", path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		v, err := parse(name, string(text))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, v)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("no vectors in %s", folder)
	}
	return all
}

// rewrite puts another answer into a vector's file.
func (v *vector) rewrite(response, token string) error {
	path := filepath.Join(folder, filepath.FromSlash(v.name)+".txt")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	out := string(text[:section.FindIndex(text)[0]]) + "-- response --\n" + response + "\n"
	if v.token != "" {
		out += "-- token --\n" + token + "\n"
	}
	return os.WriteFile(path, []byte(out), 0o644)
}

// states reads what vectors can begin with: paragraphs of a name and steps.
func states(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/states.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	name := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "\t"):
			all[name] = append(all[name], line[1:])
		default:
			if name = strings.TrimSuffix(line, ":"); name == line || all[name] != nil {
				t.Fatalf("states.txt: the line %q is not the name of a state, or of one that is there", line)
			}
		}
	}
	if len(all) == 0 {
		t.Fatal("no states in states.txt")
	}
	return all
}
