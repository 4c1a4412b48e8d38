package credential

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/seal"
)

// Session is temporary credentials in use.
type Session = idpool.Session

// Credentials are temporary credentials: always the four.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

// sealSession turns a session into credentials.
func sealSession(box *seal.Box, s Session) (Credentials, error) {
	sealed := box.Seal(appendRecord(make([]byte, 0, 512), &s), "session", s.AccessKeyID)
	secret, err := secretOf(box, sealed)
	if err != nil {
		return Credentials{}, fmt.Errorf("seal session: %w", err)
	}
	return Credentials{
		AccessKeyID:     s.AccessKeyID,
		SecretAccessKey: secret,
		SessionToken:    string(base64.StdEncoding.AppendEncode(make([]byte, 0, 1024), sealed)),
		Expiration:      s.Expires,
	}, nil
}

// openSession reads a session token that came with an access key, and the
// secret that belongs to them. It fails with seal.ErrOpen.
func openSession(box *seal.Box, accessKeyID, token string) (s Session, secret string, err error) {
	sealed, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil || len(token) != base64.StdEncoding.EncodedLen(len(sealed)) { // the decoder passes over line breaks
		return Session{}, "", seal.ErrOpen
	}
	record, err := box.Open(sealed, "session", accessKeyID)
	if err != nil {
		return Session{}, "", err
	}
	if s, err = parseRecord(record); err != nil {
		return Session{}, "", fmt.Errorf("open session: %w", err)
	}
	s.AccessKeyID = accessKeyID
	secret, err = secretOf(box, sealed)
	return s, secret, err
}

// secretOf derives the 40 characters of a session's secret key.
func secretOf(box *seal.Box, sealed []byte) (string, error) {
	raw, err := box.Derive(sealed, 30)
	return string(base64.StdEncoding.AppendEncode(make([]byte, 0, 40), raw)), err
}

// newAccessKeyID draws an access key ID: the prefix and 16 characters, as at
// AWS (behaviour 7.1).
func newAccessKeyID(prefix string) string {
	var b [10]byte
	rand.Read(b[:])
	return string(base32.StdEncoding.AppendEncode(append(make([]byte, 0, 24), prefix...), b[:]))
}

// roleID is the unique ID of a role that is known by its ARN only: always the
// same for the same ARN.
func roleID(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return "AROA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}
