package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table is a part of a result, to be read by people.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
	Note  string
}

// Tables are the whole result.
func (r Result) Tables() []Table {
	if r.Against != "" {
		return []Table{r.againstTable()}
	}
	note := fmt.Sprintf("%s, %d clients, %d pools, %d people; medians of %d, ours and the bound in turns. CPU is the server's, for one request. "+
		"P99 at half is at half of ours/s, to be 10 ms at most.", r.Store, r.Clients, r.Pools, r.People, Rounds)
	tables := []Table{pathTable("On an empty store", r.Rows, nil)}
	tables[0].Note = note
	if len(r.Filled) > 0 {
		filled := pathTable(fmt.Sprintf("With %d identities", r.Fill), r.Filled, r.Rows)
		filled.Note = "Time is that of the empty store, to be 1.25 × at most. The raw inserts are into an empty store here too."
		if r.Store == "PostgreSQL" {
			filled.Note = "Time is that of the empty store, to be 1.25 × at most."
		}
		tables = append(tables, filled)
	}
	figures := Table{Title: "Figures", Head: []string{"figure", "measured", "to reach"}}
	for _, f := range r.Figures {
		reach := ""
		if f.Reach > 0 {
			reach = fmt.Sprintf("%.0f %s", f.Reach, f.Unit)
		}
		figures.Rows = append(figures.Rows, []string{f.Name, fmt.Sprintf("%.0f %s", f.Value, f.Unit), reach})
	}
	figures.Note = strings.Join(r.Notes, " ")
	tables = append(tables, figures)
	if len(r.Growth) > 0 {
		tables = append(tables, growthTable("As the store grows", r.Growth), growthTable("As the clients grow", r.Crowding))
	}
	return tables
}

func pathTable(title string, rows, before []Row) Table {
	t := Table{Title: title, Head: []string{"path", "bound/s", "ours/s", "ratio", "to reach", "CPU µs", "of bound", "p99 ms", "at half"}}
	alone := false
	for _, r := range rows {
		alone = alone || r.Alone != nil
	}
	if before != nil {
		t.Head = append(t.Head, "time")
	}
	if alone {
		t.Head = append(t.Head, "pgbench/s", "ratio", "to reach")
	}
	t.Head = append(t.Head, "bound is")
	for i, r := range rows {
		row := []string{r.Path, whole(r.Bound.PerSecond), whole(r.Ours.PerSecond), percent(r.Ratio), percent(r.Reach),
			whole(r.Ours.CPU), whole(r.Bound.CPU), fmt.Sprintf("%.1f", r.Ours.P99), fmt.Sprintf("%.1f", r.AtHalf.P99)}
		if before != nil {
			row = append(row, fmt.Sprintf("%.2f ×", before[i].Ours.PerSecond/r.Ours.PerSecond))
		}
		switch {
		case r.Alone != nil:
			row = append(row, whole(r.Alone.PerSecond), percent(r.Ours.PerSecond/r.Alone.PerSecond), "60 %")
		case alone:
			row = append(row, "", "", "")
		}
		t.Rows = append(t.Rows, append(row, r.What))
	}
	return t
}

func growthTable(title string, points []Point) Table {
	t := Table{Title: title, Head: []string{"path", "identities", "clients", "requests/s", "p50 ms", "p99 ms", "CPU µs", "memory MB", "its own", "store MB"}}
	for _, p := range points {
		t.Rows = append(t.Rows, []string{p.Path, fmt.Sprint(p.Identities), fmt.Sprint(p.Clients), whole(p.Measure.PerSecond), fmt.Sprintf("%.2f", p.Measure.P50),
			fmt.Sprintf("%.1f", p.Measure.P99), whole(p.Measure.CPU), whole(p.Memory), whole(p.Own), whole(p.Store / 1e6)})
	}
	return t
}

func (r Result) againstTable() Table {
	t := Table{Title: "Beside " + r.Against, Head: []string{"path", "theirs/s", "theirs p99 ms", "ours/s", "ours p99 ms", "times"}}
	for _, row := range r.Rows {
		t.Rows = append(t.Rows, []string{row.Path, whole(row.Bound.PerSecond), fmt.Sprintf("%.1f", row.Bound.P99), whole(row.Ours.PerSecond),
			fmt.Sprintf("%.1f", row.Ours.P99), fmt.Sprintf("%.0f ×", row.Ratio)})
	}
	t.Note = fmt.Sprintf("%d clients, %d pools; the same requests, medians of %d, in turns.", r.Clients, r.Pools, Rounds)
	return t
}

func whole(v float64) string   { return fmt.Sprintf("%.0f", v) }
func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }

// Text writes the table in columns.
func (t Table) Text(w io.Writer) error {
	fmt.Fprintf(w, "%s\n", t.Title)
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, strings.ToUpper(strings.Join(t.Head, "\t")))
	for _, row := range t.Rows {
		fmt.Fprintln(columns, strings.Join(row, "\t"))
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	return t.end(w)
}

// Markdown writes the table for a page of docs/.
func (t Table) Markdown(w io.Writer) error {
	fmt.Fprintf(w, "### %s\n\n| %s |\n|%s\n", t.Title, strings.Join(t.Head, " | "), strings.Repeat("---|", len(t.Head)))
	for _, row := range t.Rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
	fmt.Fprintln(w)
	return t.end(w)
}

func (t Table) end(w io.Writer) (err error) {
	if t.Note != "" {
		_, err = fmt.Fprintf(w, "%s\n\n", t.Note)
	} else {
		_, err = fmt.Fprintln(w)
	}
	return err
}
