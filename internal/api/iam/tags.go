package iam

import (
	"maps"
	"slices"
	"strings"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// maxTags is how many tags an entity can have.
const maxTags = 50

// tagsOutput lists the tags of an entity.
type tagsOutput struct {
	Tags wire.XMLList[tag]
	pageOutput
}

// tagSet checks tags that came as a list. Keys that differ in case only are
// the same key.
func tagSet(list []tag) (map[string]string, error) {
	set, seen := map[string]string{}, map[string]bool{}
	for _, t := range list {
		if key := strings.ToLower(t.Key); seen[key] {
			return nil, idpool.Errorf(idpool.Invalid, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		} else if strings.HasPrefix(key, "aws:") {
			return nil, idpool.Errorf(idpool.Invalid, "Tag keys that begin with aws: are reserved.")
		} else {
			seen[key] = true
		}
		set[t.Key] = t.Value
	}
	return set, nil
}

// addTags adds tags to those that an entity has. A key that is there already in
// another case takes the new spelling.
func addTags(held *map[string]string, list []tag) error {
	fresh, err := tagSet(list)
	if err != nil {
		return err
	}
	for key := range fresh {
		removeTags(*held, []string{key})
	}
	if *held == nil {
		*held = map[string]string{}
	}
	maps.Copy(*held, fresh)
	if len(*held) > maxTags {
		return idpool.Errorf(idpool.Limit, "The number of tags has reached the maximum limit.")
	}
	return nil
}

// removeTags removes tags, in whatever case their keys are; keys that are not
// there are passed over.
func removeTags(held map[string]string, keys []string) {
	maps.DeleteFunc(held, func(key, _ string) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return idpool.FoldName(k) == idpool.FoldName(key) })
	})
}

// tagList is a set of tags in the order of the keys.
func tagList(set map[string]string) wire.XMLList[tag] {
	var list wire.XMLList[tag]
	for _, key := range slices.Sorted(maps.Keys(set)) {
		list = append(list, tag{key, set[key]})
	}
	return list
}

// pageTags answers a request for the tags of an entity.
func (s *Service) pageTags(caller idpool.Caller, in pageInput, set map[string]string, op, entity string) (out tagsOutput, err error) {
	out.Tags, out.pageOutput, err = page(s, caller, in, tagList(set), func(t tag) string { return t.Key }, op, entity)
	return out, err
}
