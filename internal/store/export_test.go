package store

import "fmt"

// Columns are the columns of all tables that a copy takes, each with whether it
// is of the key.
func Columns() (list []string) {
	for _, t := range tables {
		for i, c := range t.columns {
			list = append(list, fmt.Sprintf("%s.%s %t", t.name, c.name, i < t.key))
		}
	}
	return list
}
