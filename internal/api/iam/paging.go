package iam

import (
	"slices"

	"idpool/internal/idpool"
)

// pageInput is what every list operation takes.
type pageInput struct {
	Marker   string
	MaxItems int
}

// pageOutput is what every list operation answers beside the list.
type pageOutput struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

const defaultItems = 100

// page cuts a list, which is in the order of its keys, to the page that a
// request asks for. The marker names the last item of the page before, so items
// that come and go do not shift the others. It works for the caller, the
// operation and its other arguments only, which are the place.
func page[T any](s *Service, caller idpool.Caller, in pageInput, list []T, key func(T) string, place ...string) ([]T, pageOutput, error) {
	place = append([]string{"iam", caller.Account, caller.ARN}, place...)
	if in.Marker != "" {
		last, err := s.Paging.OpenText(in.Marker, place...)
		if err != nil {
			return nil, pageOutput{}, idpool.Errorf(idpool.Malformed, "The Marker is not valid.").Because(err)
		}
		next := slices.IndexFunc(list, func(item T) bool { return key(item) > string(last) })
		if next < 0 {
			next = len(list)
		}
		list = list[next:]
	}
	size := in.MaxItems
	if size == 0 {
		size = defaultItems
	}
	if len(list) <= size {
		return list, pageOutput{}, nil
	}
	list = list[:size]
	return list, pageOutput{IsTruncated: true, Marker: s.Paging.SealText([]byte(key(list[size-1])), place...)}, nil
}
