package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"sync"
	"testing"
)

func ring(t testing.TB, masters ...[]byte) *Keyring {
	t.Helper()
	k, err := New(masters...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func random() []byte {
	b := make([]byte, KeySize)
	rand.Read(b)
	return b
}

func TestOpensOnlyWhereItWasSealedFor(t *testing.T) {
	k := ring(t, random())
	box := k.Box("sessions")
	sealed := box.Seal([]byte("secret"), "account", "row")
	got, err := box.Open(sealed, "account", "row")
	if err != nil || string(got) != "secret" {
		t.Fatalf("Open = %q, %v", got, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"other place":           func() ([]byte, error) { return box.Open(sealed, "account", "rows") },
		"joined place":          func() ([]byte, error) { return box.Open(sealed, "accountrow") },
		"shifted place":         func() ([]byte, error) { return box.Open(sealed, "accountr", "ow") },
		"no place":              func() ([]byte, error) { return box.Open(sealed) },
		"other purpose":         func() ([]byte, error) { return k.Box("paging").Open(sealed, "account", "row") },
		"other master":          func() ([]byte, error) { return ring(t, random()).Box("sessions").Open(sealed, "account", "row") },
		"nothing":               func() ([]byte, error) { return box.Open(nil, "account", "row") },
		"only a header":         func() ([]byte, error) { return box.Open(sealed[:headerSize], "account", "row") },
		"text that is not ours": func() ([]byte, error) { return box.OpenText("x", "account", "row") },
	} {
		if _, err := open(); !errors.Is(err, ErrOpen) {
			t.Errorf("%s: error %v, want ErrOpen", name, err)
		}
	}
}

func TestEveryAlteredByteRefuses(t *testing.T) {
	box := ring(t, random()).Box("p")
	sealed := box.Seal([]byte("plain"), "here")
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := box.Open(bad, "here"); !errors.Is(err, ErrOpen) {
			t.Errorf("byte %d altered: error %v, want ErrOpen", i, err)
		}
	}
	text := box.SealText([]byte("plain"))
	for i := range text {
		if _, err := box.OpenText(text[:i] + "\n" + text[i:]); !errors.Is(err, ErrOpen) {
			t.Errorf("newline at %d: error %v, want ErrOpen", i, err)
		}
	}
}

func TestRotationFirstSealsAllOpen(t *testing.T) {
	old, young := random(), random()
	before := ring(t, old).Box("p").Seal([]byte("kept"), "x")
	both := ring(t, young, old).Box("p")
	if got, err := both.Open(before, "x"); err != nil || string(got) != "kept" {
		t.Fatalf("old seal under both keys: %q, %v", got, err)
	}
	after := both.Seal([]byte("new"), "x")
	if _, err := ring(t, old).Box("p").Open(after, "x"); !errors.Is(err, ErrKeyUnknown) {
		t.Errorf("new seal under the old key: %v, want ErrKeyUnknown", err)
	}
}

// TestSealsOfEarlierReleases opens what an earlier release sealed, whose secrets
// are at rest in databases.
func TestSealsOfEarlierReleases(t *testing.T) {
	box := ring(t, bytes.Repeat([]byte{7}, KeySize)).Box("p")
	const text = "AVN4NzIla7l_qJrWv6LbGkRSOFsRF7LQP2EM5KvRVqLmS34Zoq2E9H491wyBZHnOO4o"
	plain, err := box.OpenText(text, "here")
	if err != nil || string(plain) != "hello" {
		t.Errorf("opened %q, %v", plain, err)
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	const want = "2c19d17e462ba454b8fd5e329928592c89557f26f3463235b7b619fe918a"
	if derived, err := box.Derive(sealed, 30); err != nil || hex.EncodeToString(derived) != want {
		t.Errorf("derived %x, %v; want %s", derived, err, want)
	}
}

// TestBoxesAreSafeForConcurrentUse is of use with the race detector.
func TestBoxesAreSafeForConcurrentUse(t *testing.T) {
	box := ring(t, random()).Box("p")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 200 {
				plain := bytes.Repeat([]byte{byte(i)}, 40)
				sealed := box.Seal(plain, "x")
				one, err1 := box.Derive(sealed, 30)
				two, err2 := box.Derive(sealed, 30)
				got, err := box.Open(sealed, "x")
				if err := errors.Join(err, err1, err2); err != nil || !bytes.Equal(got, plain) || !bytes.Equal(one, two) {
					t.Errorf("opened %x, derived %x and %x, %v", got, one, two, err)
				}
			}
		})
	}
	all.Wait()
}

func TestDeriveIsStableAndBoundToTheSeal(t *testing.T) {
	box := ring(t, random()).Box("p")
	a, b := box.Seal([]byte("x")), box.Seal([]byte("x"))
	a1, _ := box.Derive(a, 30)
	a2, _ := box.Derive(a, 30)
	b1, _ := box.Derive(b, 30)
	if !bytes.Equal(a1, a2) || bytes.Equal(a1, b1) || len(a1) != 30 {
		t.Errorf("derived %x, %x and %x", a1, a2, b1)
	}
}

func TestParseKeys(t *testing.T) {
	one, two := random(), random()
	text := base64.StdEncoding.EncodeToString(one) + ",\n" + base64.StdEncoding.EncodeToString(two) + "\n"
	k, err := ParseKeys(text)
	if err != nil || len(k.masters) != 2 {
		t.Fatalf("ParseKeys: %v", err)
	}
	for _, bad := range []string{"", "  ", "not base64!", base64.StdEncoding.EncodeToString(one[:31])} {
		if _, err := ParseKeys(bad); err == nil {
			t.Errorf("ParseKeys(%q) accepted", bad)
		}
	}
}

func FuzzOpen(f *testing.F) {
	box := ring(f, bytes.Repeat([]byte{7}, KeySize)).Box("p")
	f.Add(box.SealText([]byte("hello"), "x"))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if plain, err := box.OpenText(text, "y"); err == nil {
			t.Fatalf("opened %q at a place it was not sealed for: %q", text, plain)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	box := ring(b, random()).Box("p")
	plain := make([]byte, 400)
	for b.Loop() {
		box.Seal(plain, "x")
	}
}
