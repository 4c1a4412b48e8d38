package bench

import (
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Plot is a picture of lines: y from zero, x in steps of its powers.
type Plot struct {
	Name   string // of the file, without .svg
	Title  string
	X, Y   string // what the axes are, with units
	Series []Series
}

// Series is one line. Its points are in the order of x.
type Series struct {
	Name string
	X, Y []float64
}

// The picture, in pixels.
const (
	wide, high              = 640, 400
	left, right, above, low = 64, 24, 116, 48
)

// inks are the colours of the lines, four at most, chosen so that they differ for the
// colour-blind too (Okabe and Ito).
var inks = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7"}

// style of the texts and lines, on bright pages and on dark ones.
const style = `text{font:12px system-ui,sans-serif;fill:#333}.title{font-size:14px;font-weight:600}.grid{stroke:#ddd}.line{fill:none;stroke-width:2}
@media(prefers-color-scheme:dark){text{fill:#ccc}.grid{stroke:#444}}`

// SVG draws the plot.
func (p Plot) SVG() []byte {
	var xs []float64
	top := 0.0
	for _, s := range p.Series {
		xs = append(xs, s.X...)
		top = max(top, slices.Max(append(s.Y, 0)))
	}
	slices.Sort(xs)
	xs = slices.Compact(xs)
	step := niceStep(top)
	top = max(step, step*math.Ceil(top/step))
	first, last := xs[0], xs[len(xs)-1]
	x := func(v float64) float64 {
		if first == last {
			return (left + wide - right) / 2
		}
		return left + (wide-left-right)*math.Log(v/first)/math.Log(last/first)
	}
	y := func(v float64) float64 { return high - low - (high-low-above)*v/top }

	var b strings.Builder
	text := func(class, anchor string, x, y float64, s string) {
		fmt.Fprintf(&b, `<text class="%s" text-anchor="%s" x="%.1f" y="%.1f">%s</text>`+"\n", class, anchor, x, y, escape(s))
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n<style>%s</style>\n", wide, high, escape(p.Title), style)
	text("title", "start", 16, 22, p.Title)
	for v := 0.0; v <= top*1.001; v += step {
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`+"\n", left, wide-right, y(v), y(v))
		text("", "end", left-8, y(v)+4, short(v))
	}
	for _, v := range xs {
		text("", "middle", x(v), high-low+18, short(v))
	}
	text("", "middle", (left+wide-right)/2, high-10, p.X)
	text("", "start", 16, above-10, p.Y)
	for i, s := range p.Series {
		ink := inks[i%len(inks)]
		var points []string
		for j := range s.X {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(s.X[j]), y(s.Y[j])))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"><title>%s: %s</title></circle>`+"\n", x(s.X[j]), y(s.Y[j]), ink, escape(s.Name), short(s.Y[j]))
		}
		fmt.Fprintf(&b, `<polyline class="line" stroke="%s" points="%s"/>`+"\n", ink, strings.Join(points, " "))
		legend := 42 + 16*float64(i)
		fmt.Fprintf(&b, `<rect x="16" y="%.1f" width="12" height="4" fill="%s"/>`+"\n", legend-6, ink)
		text("", "start", 34, legend, s.Name)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// niceStep is 1, 2 or 5 times a power of ten, so that four to ten of them reach
// a value.
func niceStep(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{0.1, 0.2, 0.5, 1} {
		if v/(m*power) <= 8 {
			return m * power
		}
	}
	return 2 * power
}

// short writes a number in few characters: 10k, 2.5M.
func short(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= unit.size {
			return fmt.Sprintf("%.4g%s", v/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%.3g", v)
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}

// Plots are the pictures of a result that was seen to grow; none if it was not.
func (r Result) Plots() []Plot {
	if len(r.Growth) == 0 {
		return nil
	}
	byIdentities := func(p Point) float64 { return float64(p.Identities) }
	byClients := func(p Point) float64 { return float64(p.Clients) }
	plot := func(name, title, x, y string, points []Point, at func(Point) float64, value func(Point) float64) Plot {
		p := Plot{Name: strings.ToLower(r.Store) + "-" + name, Title: title + ", " + r.Store, X: x, Y: y}
		for _, point := range points {
			i := slices.IndexFunc(p.Series, func(s Series) bool { return s.Name == point.Path })
			if i < 0 {
				i = len(p.Series)
				p.Series = append(p.Series, Series{Name: point.Path})
			}
			p.Series[i].X, p.Series[i].Y = append(p.Series[i].X, at(point)), append(p.Series[i].Y, value(point))
		}
		return p
	}
	rate := func(p Point) float64 { return p.Measure.PerSecond }
	p50 := func(p Point) float64 { return p.Measure.P50 }
	p99 := func(p Point) float64 { return p.Measure.P99 }
	plots := []Plot{
		plot("identities-p50", fmt.Sprintf("Median time of an answer, %d clients at full speed", r.Clients), "identities", "ms", r.Growth, byIdentities, p50),
		plot("identities-p99", fmt.Sprintf("99th percentile, %d clients at full speed", r.Clients), "identities", "ms", r.Growth, byIdentities, p99),
		plot("clients-rate", fmt.Sprintf("Requests a second, %s identities", short(float64(r.Fill))), "clients", "requests/s", r.Crowding, byClients, rate),
		plot("clients-p99", fmt.Sprintf("99th percentile, %s identities", short(float64(r.Fill))), "clients", "ms", r.Crowding, byClients, p99),
	}
	memory := Plot{Name: strings.ToLower(r.Store) + "-identities-memory", Title: "Memory of the server under load, " + r.Store, X: "identities", Y: "MB",
		Series: []Series{{Name: "at most, with mapped files"}, {Name: "its own"}}}
	for _, p := range r.Growth {
		if p.Path != r.Growth[0].Path { // the points of one size share it
			continue
		}
		for i, v := range []float64{p.Memory, p.Own} {
			s := &memory.Series[i]
			s.X, s.Y = append(s.X, byIdentities(p)), append(s.Y, v)
		}
	}
	return append(plots, memory)
}
