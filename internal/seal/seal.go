// Package seal encrypts what must not be read or forged outside the server:
// private keys and secrets at rest, session tokens, paging tokens.
//
//	master keys ─► Keyring ─► Box for one purpose ─► Seal / Open
//
// Each purpose has its own sub-key (HKDF, RFC 5869), and each message a key of
// its own, drawn from the sub-key and a random salt, so that the number of
// messages has no limit that matters. What is sealed for one place (the
// associated data) opens in no other.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// KeySize is the size of a master key in bytes.
const KeySize = 32

const (
	version    = 1
	idSize     = 4  // names the master key
	saltSize   = 24 // 192 bits: random salts do not collide
	tagSize    = 16
	headerSize = 1 + idSize + saltSize
)

// ErrOpen is the error of Open for anything that was not sealed by this
// keyring for this purpose and place. It tells no more on purpose.
var ErrOpen = errors.New("seal: cannot be opened")

// ErrKeyUnknown is the error of Open for something sealed under a master key
// that the keyring does not hold. It is an [ErrOpen].
var ErrKeyUnknown = fmt.Errorf("%w: sealed under another master key", ErrOpen)

// Keyring holds the master keys: the first seals, all open.
type Keyring struct {
	masters [][]byte
}

// New makes a keyring. Each key must have KeySize bytes and there must be at
// least one.
func New(masters ...[]byte) (*Keyring, error) {
	if len(masters) == 0 {
		return nil, errors.New("seal: no master key")
	}
	for _, m := range masters {
		if len(m) != KeySize {
			return nil, fmt.Errorf("seal: a master key has %d bytes, want %d", len(m), KeySize)
		}
	}
	return &Keyring{masters: masters}, nil
}

// ParseKeys reads master keys in base64 separated by commas or white space, as
// they stand in a key file or the environment.
func ParseKeys(text string) (*Keyring, error) {
	var masters [][]byte
	for _, field := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r <= ' ' }) {
		key, err := base64.StdEncoding.DecodeString(field)
		if err != nil {
			return nil, errors.New("seal: a master key is not base64")
		}
		masters = append(masters, key)
	}
	return New(masters...)
}

// Box seals and opens for one purpose.
type Box struct {
	keys []subKey
}

type subKey struct {
	id     [idSize]byte
	seal   *macKey // pseudo-random key for message keys
	derive *macKey // key of Derive
}

// Box returns the box for a purpose. Boxes of different purposes open nothing
// of each other.
func (k *Keyring) Box(purpose string) *Box {
	b := &Box{}
	for _, m := range k.masters {
		var s subKey
		copy(s.id[:], expand(m, "idpool key id", idSize))
		s.seal = newMACKey(expand(m, "idpool seal "+purpose, sha256.Size))
		s.derive = newMACKey(expand(m, "idpool derive "+purpose, sha256.Size))
		b.keys = append(b.keys, s)
	}
	return b
}

func expand(secret []byte, info string, n int) []byte {
	out, err := hkdf.Key(sha256.New, secret, nil, info, n)
	if err != nil {
		panic("seal: " + err.Error()) // only for lengths that no constant here has
	}
	return out
}

// Seal encrypts plain for a place. It adds 45 bytes.
func (b *Box) Seal(plain []byte, place ...string) []byte {
	key := &b.keys[0]
	out := make([]byte, headerSize, headerSize+len(plain)+tagSize)
	out[0] = version
	copy(out[1:], key.id[:])
	rand.Read(out[1+idSize:])
	return key.aead(out[1+idSize:]).Seal(out, nonce[:], plain, associated(out, place))
}

// Open decrypts what Seal made for the same place. It fails with ErrOpen.
func (b *Box) Open(sealed []byte, place ...string) ([]byte, error) {
	key, err := b.keyOf(sealed)
	if err != nil {
		return nil, err
	}
	header := sealed[:headerSize]
	plain, err := key.aead(header[1+idSize:]).Open(nil, nonce[:], sealed[headerSize:], associated(header, place))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// Current reports whether something was sealed under the first master key.
func (b *Box) Current(sealed []byte) bool {
	return len(sealed) > idSize && string(b.keys[0].id[:]) == string(sealed[1:1+idSize])
}

// Derive makes n bytes (at most 32) from something sealed by this box: a
// secret that need not be stored, because whoever holds the sealed bytes and
// the master key can make it again. It fails with ErrOpen.
func (b *Box) Derive(sealed []byte, n int) ([]byte, error) {
	key, err := b.keyOf(sealed)
	if err != nil {
		return nil, err
	}
	return key.derive.sum(sealed)[:n], nil
}

// SealText seals into URL-safe text without padding.
func (b *Box) SealText(plain []byte, place ...string) string {
	return base64.RawURLEncoding.EncodeToString(b.Seal(plain, place...))
}

// OpenText opens what SealText made. It fails with ErrOpen.
func (b *Box) OpenText(text string, place ...string) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) != base64.RawURLEncoding.EncodedLen(len(sealed)) { // the decoder passes over line breaks
		return nil, ErrOpen
	}
	return b.Open(sealed, place...)
}

func (b *Box) keyOf(sealed []byte) (*subKey, error) {
	if len(sealed) < headerSize+tagSize || sealed[0] != version {
		return nil, ErrOpen
	}
	for i := range b.keys {
		if string(b.keys[i].id[:]) == string(sealed[1:1+idSize]) {
			return &b.keys[i], nil
		}
	}
	return nil, ErrKeyUnknown
}

// nonce can be the same for all messages because each has a key of its own.
var nonce [12]byte

// aead makes the cipher of one message, whose key is HKDF-Expand of the sub-key
// with the salt: one block of it (RFC 5869 section 2.3).
func (k *subKey) aead(salt []byte) cipher.AEAD {
	block, err := aes.NewCipher(k.seal.sum(salt[:saltSize], firstBlock))
	if err != nil {
		panic("seal: " + err.Error())
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic("seal: " + err.Error())
	}
	return gcm
}

var firstBlock = []byte{1}

// macKey is a key of HMAC-SHA-256. It keeps hashes that have read the key
// already, which is half the work on a short message.
type macKey struct{ ready sync.Pool }

func newMACKey(key []byte) *macKey {
	return &macKey{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// sum is the authentication code of the parts of a message.
func (k *macKey) sum(message ...[]byte) []byte {
	h := k.ready.Get().(hash.Hash)
	defer k.ready.Put(h)
	h.Reset()
	for _, part := range message {
		h.Write(part)
	}
	return h.Sum(make([]byte, 0, sha256.Size))
}

// associated joins the header and the place so that no two places are alike.
func associated(header []byte, place []string) []byte {
	out := append(make([]byte, 0, 64), header[:1+idSize]...)
	for _, p := range place {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p)))
		out = append(out, p...)
	}
	return out
}
