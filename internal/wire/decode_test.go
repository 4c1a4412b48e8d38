package wire

import (
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

type allKinds struct {
	Named
	Text     string `json:"text"`
	Flag     bool
	Small    int32 `json:",omitempty"`
	Large    int64
	Maybe    *bool
	Logins   map[string]string
	ByKind   map[Kind]string
	Mappings map[string]inner
	List     []string
	Deep     *inner
}

type Named struct{ Name Kind }

type Kind string

type inner struct {
	Rules []inner0
	Count int
}

type inner0 struct{ Claim, Value string }

// sameAsUnmarshal holds that what is parsed and decoded is what the JSON library
// makes of the same bytes, and that it takes nothing that parsing refuses.
func sameAsUnmarshal(t *testing.T, body string) {
	t.Helper()
	v, err := parseJSON([]byte(body))
	raw := jsontext.Value(body)
	if valid := raw.IsValid() && raw.Kind() == '{'; valid != (err == nil) && (err == nil || !strings.Contains(err.Error(), "nested deeper")) {
		t.Fatalf("%q: %v, and valid: %t", body, err, valid)
	}
	if err != nil {
		return
	}
	var anything map[string]any
	if json.Unmarshal([]byte(body), &anything) == nil && !reflect.DeepEqual(v.any(), any(anything)) { // 1e999 is no float
		t.Fatalf("%q is read as %v, want %v", body, v.any(), anything)
	}
	got, err := decoderFor[allKinds]()(&v)
	var want allKinds
	wantErr := json.Unmarshal([]byte(body), &want)
	if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q is decoded as\n%+v, %v, want\n%+v, %v", body, got, err, want, wantErr)
	}
}

// any is the value as the JSON library has it.
func (v *value) any() any {
	switch v.kind {
	case '"':
		return v.text
	case '0':
		n, _ := strconv.ParseFloat(v.text, 64)
		return n
	case 't', 'f':
		return v.kind == 't'
	case '[':
		items := []any{}
		for i := range v.items {
			items = append(items, v.items[i].any())
		}
		return items
	case '{':
		members := map[string]any{}
		for i := range v.members {
			members[v.members[i].name] = v.members[i].value.any()
		}
		return members
	}
	return nil
}

// document writes a random value that suits a type, or now and then another one.
func document(r *rand.Rand, t reflect.Type) string {
	if r.IntN(40) == 0 {
		return []string{"null", "true", "-0", "1.5", "1e3", "12345678901234567890", `"1"`, `{}`, `[]`, `[null]`, `{"":null}`, `{"a":1,"a":2}`, "\"\xff\"", ``}[r.IntN(14)]
	}
	texts := []string{`"a"`, `""`, `"é🎉"`, `"\u00e9\ud83c\udf89"`, `"\\\"\/\n"`, `"\u0041"`}
	text := func() string { return texts[r.IntN(len(texts))] }
	space := []string{"", "", "", " ", "\n\t"}[r.IntN(5)]
	switch t.Kind() {
	case reflect.String:
		return text()
	case reflect.Bool:
		return []string{"true", "false"}[r.IntN(2)]
	case reflect.Int, reflect.Int32, reflect.Int64:
		return []string{"0", "-1", "60", "2147483647", "2147483648", "-9223372036854775808"}[r.IntN(6)]
	case reflect.Pointer:
		return document(r, t.Elem())
	case reflect.Slice:
		var items []string
		for range r.IntN(4) {
			items = append(items, document(r, t.Elem()))
		}
		return "[" + space + strings.Join(items, space+",") + "]"
	case reflect.Map:
		var members []string
		for _, i := range r.Perm(len(texts) - 1)[:r.IntN(4)] {
			members = append(members, texts[i]+space+":"+document(r, t.Elem()))
		}
		return "{" + strings.Join(members, space+","+space) + "}"
	}
	var members []string
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		if r.IntN(20) == 0 {
			name = strings.ToUpper(name)
		}
		if !f.Anonymous && r.IntN(3) > 0 {
			members = append(members, `"`+name+`":`+space+document(r, f.Type))
		}
	}
	r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + space + strings.Join(members, ",") + "}"
}

func TestDecodingIsTheLibrarys(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		sameAsUnmarshal(t, document(r, reflect.TypeFor[allKinds]()))
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"Name":"a","text":"\u0061","Flag":true,"Small":-0,"Maybe":false}`, `{"Logins":{"a":"b","\u0061":"c"}}`, `{"List":["a",null],"Deep":{"Rules":[{}]}}`,
		`{"Small":1e2}`, `{"Mappings":{"a":null},"ByKind":{"k":"v"}} `, `{"a":1e999}`, `{"a":[[{"b":[]}]],}`, `{1:2}`, `{"a" "b"}`, `{null:1}`, "{\"\xed\xa0\x80\":1}", `{"a":"\ud800"}`, `null`, "\ufeff{}"} {
		f.Add(seed)
	}
	f.Fuzz(sameAsUnmarshal)
}

// TestInputsOfStrangeTypes holds that what could not be decoded is refused when an
// operation is made, not when it is called.
func TestInputsOfStrangeTypes(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(){
		"time":      func() { decoderFor[struct{ At time.Time }]() },
		"bytes":     func() { decoderFor[struct{ Raw []byte }]() },
		"interface": func() { decoderFor[struct{ Any any }]() },
		"hidden":    func() { decoderFor[struct{ hidden string }]() },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it was taken")
				}
			}()
			make()
		})
	}
}
