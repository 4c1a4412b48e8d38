// Package vectors holds the exact answers of the API. It has tests only.
//
//	testdata/states.txt ─► what a vector begins with
//	testdata/vectors/*/*.txt: one request each ─► a real server ─► its answer, to the byte
//
// A vector is a text file that a person can read and add to; README.md beside
// them says how. The tests also hold that every operation, every error that it
// declares and every constraint of its input has one, and that docs/operations.md
// tells of them.
//
// "go test ./internal/vectors -update" writes the answers anew: read the diff.
// "make gen" writes the page.
package vectors
