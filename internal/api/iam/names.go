package iam

import (
	"crypto/rand"
	"regexp"
	"strings"

	"idpool/internal/idpool"
)

var nameForm = regexp.MustCompile(`^[\w+=,.@-]+$`)

// checkName checks the characters of a name; member is how a text calls it.
func checkName(member, name string) error {
	if nameForm.MatchString(name) {
		return nil
	}
	return idpool.Errorf(idpool.Malformed, "The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", member)
}

var pathForm = regexp.MustCompile(`^/([\x21-\x7e]+/)?$`)

// checkPath checks a path and returns "/" for none.
func checkPath(member, path string) (string, error) {
	switch {
	case path == "":
		return "/", nil
	case !pathForm.MatchString(path), strings.Contains(path, "//"):
		return "", idpool.Errorf(idpool.Malformed, "The specified value for %s is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.", member)
	}
	return path, nil
}

var prefixForm = regexp.MustCompile(`^(/[\x21-\x7f]*)?$`)

// checkPrefix checks what the paths of a list shall begin with.
func checkPrefix(prefix string) error {
	if prefixForm.MatchString(prefix) {
		return nil
	}
	return idpool.Errorf(idpool.Malformed, "The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters.")
}

// newID draws the unique ID of an entity: four letters that say what it is, and
// 17 characters.
func newID(prefix string) string { return prefix + rand.Text()[:17] }
