package idpool

import (
	"encoding/json"
	"maps"
	"slices"
)

// AttributeMap says which claims of a provider's tokens become which principal
// tags (behaviour 6.6).
type AttributeMap struct {
	UseDefaults bool              // username and client, or what the kind of provider has instead, whatever Tags says
	Tags        map[string]string // tag key → claim name, at most 50
}

// principalTags are the tags of somebody who proved these logins. A claim that
// is absent, or that is no single value, makes no tag. If the maps of two
// providers name one tag, the first provider by name fills it. Guests have
// none.
func (p Pool) principalTags(verified []VerifiedLogin) map[string]string {
	tags := map[string]string{}
	for _, v := range verified {
		m, ok := p.AttributeMaps[v.TagsKey]
		if !ok {
			continue
		}
		for key, value := range m.of(v) {
			if _, filled := tags[key]; !filled {
				tags[key] = value
			}
		}
	}
	if len(tags) == 0 {
		return nil
	}
	return tags
}

func (m AttributeMap) of(v VerifiedLogin) map[string]string {
	if m.UseDefaults && v.DefaultTags != nil {
		return v.DefaultTags
	}
	if m.UseDefaults {
		return map[string]string{"username": v.Subject, "client": v.Client}
	}
	tags := map[string]string{}
	for _, key := range sortedKeys(m.Tags) {
		if value, ok := single(v.Claims[m.Tags[key]]); ok && value != "" {
			tags[key] = value
		}
	}
	return tags
}

// single is the text of a claim that has one value: a string, a number, a
// boolean, or a list of one of these.
func single(claim any) (string, bool) {
	if list, ok := claim.([]any); ok && len(list) == 1 {
		claim = list[0]
	}
	return scalar(claim)
}

// scalar is the text of a string, or the JSON text of a number or a boolean.
func scalar(claim any) (string, bool) {
	switch c := claim.(type) {
	case string:
		return c, true
	case json.Number:
		return c.String(), true
	case bool:
		if c {
			return "true", true
		}
		return "false", true
	}
	return "", false
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
