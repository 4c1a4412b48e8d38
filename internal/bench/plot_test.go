package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestSVG holds that a picture is well-formed whatever it is called, and that
// every point is where its value is.
func TestSVG(t *testing.T) {
	t.Parallel()
	p := Plot{Title: "Rate <of> \"all\" & more", X: "clients", Y: "requests/s", Series: []Series{
		{Name: "GetId", X: []float64{1, 10, 100}, Y: []float64{0, 500, 1000}},
		{Name: "<b>", X: []float64{1, 100}, Y: []float64{250, 1000}},
	}}
	drawn := string(p.SVG())
	d := xml.NewDecoder(strings.NewReader(drawn))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%s", err, drawn)
		}
	}
	var at [][2]float64
	for _, m := range regexp.MustCompile(`<circle cx="([0-9.]+)" cy="([0-9.]+)"`).FindAllStringSubmatch(drawn, -1) {
		x, _ := strconv.ParseFloat(m[1], 64)
		y, _ := strconv.ParseFloat(m[2], 64)
		at = append(at, [2]float64{x, y})
	}
	const middleX, middleY = (left + wide - right) / 2, (above + high - low) / 2
	want := [][2]float64{
		{left, high - low}, {middleX, middleY}, {wide - right, above}, // steps of x are its powers, y is even and begins at 0
		{left, high - low - (high-low-above)/4}, {wide - right, above},
	}
	if len(at) != len(want) {
		t.Fatalf("%d points are drawn, want %d:\n%s", len(at), len(want), drawn)
	}
	for i := range want {
		if at[i] != want[i] {
			t.Errorf("point %d is at %v, want %v", i, at[i], want[i])
		}
	}
	for _, label := range []string{">200<", ">1k<", ">100<", ">&lt;b&gt;<"} {
		if !strings.Contains(drawn, label) {
			t.Errorf("nothing says %s", label)
		}
	}
}

func TestNiceStep(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]float64{0: 1, 0.8: 0.1, 0.81: 0.2, 1: 0.2, 7: 1, 9: 2, 1000: 200, 16_345: 5000, 35_000: 5000} {
		if got := niceStep(v); got != want {
			t.Errorf("a step for %v is %v, want %v", v, got, want)
		}
	}
}

func TestPlots(t *testing.T) {
	t.Parallel()
	r := Result{Store: "SQLite", Fill: 100_000,
		Growth:   []Point{{Path: "a", Identities: 10_000, Memory: 80, Own: 60}, {Path: "b", Identities: 10_000, Memory: 80, Own: 60}, {Path: "a", Identities: 100_000, Memory: 90, Own: 61}},
		Crowding: []Point{{Path: "a", Clients: 1, Measure: Measure{PerSecond: 10}}, {Path: "a", Clients: 4, Measure: Measure{PerSecond: 30}}},
	}
	plots := map[string]Plot{}
	for _, p := range r.Plots() {
		plots[p.Name] = p
	}
	if s := plots["sqlite-clients-rate"].Series; len(s) != 1 || len(s[0].Y) != 2 || s[0].X[1] != 4 || s[0].Y[1] != 30 {
		t.Errorf("rate by clients: %+v", s)
	}
	if s := plots["sqlite-identities-memory"].Series; len(s) != 2 || len(s[0].Y) != 2 || s[0].Y[1] != 90 || s[1].Y[1] != 61 {
		t.Errorf("memory by identities: %+v", s)
	}
	if s := plots["sqlite-identities-p50"].Series; len(s) != 2 || len(s[0].X) != 2 || len(s[1].X) != 1 {
		t.Errorf("median by identities: %+v", s)
	}
	if (Result{Store: "SQLite"}).Plots() != nil {
		t.Error("what did not grow is drawn")
	}
}
