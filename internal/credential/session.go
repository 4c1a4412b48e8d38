package credential

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/seal"
)

// Session is temporary credentials in use.
type Session = idpool.Session

// record is how a Session is written into its token. Names are short: every
// request carries them.
type record struct {
	ID             string              `json:"id"`
	AccessKeyID    string              `json:"key"`
	Account        string              `json:"acct"`
	Role           string              `json:"role,omitempty"`
	RoleID         string              `json:"roleId,omitempty"`
	Name           string              `json:"name,omitempty"`
	User           string              `json:"user,omitempty"`
	OwnerID        string              `json:"owner,omitempty"`
	Provider       string              `json:"provider,omitempty"`
	Keys           map[string][]string `json:"keys,omitempty"`
	Tags           map[string]string   `json:"tags,omitempty"`
	TransitiveTags []string            `json:"transitive,omitempty"`
	SourceIdentity string              `json:"source,omitempty"`
	Policies       []string            `json:"policies,omitempty"`
	PolicyARNs     []string            `json:"policyArns,omitempty"`
	Guest          bool                `json:"guest,omitempty"`
	Issued         time.Time           `json:"iat"`
	Expires        time.Time           `json:"exp"`
}

// Credentials are temporary credentials: always the four.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

// sealSession turns a session into credentials.
func sealSession(box *seal.Box, s Session) (Credentials, error) {
	text, err := json.Marshal(record(s))
	if err != nil {
		return Credentials{}, fmt.Errorf("seal session: %w", err)
	}
	sealed := box.Seal(text, "session", s.AccessKeyID)
	secret, err := secretOf(box, sealed)
	if err != nil {
		return Credentials{}, fmt.Errorf("seal session: %w", err)
	}
	return Credentials{
		AccessKeyID:     s.AccessKeyID,
		SecretAccessKey: secret,
		SessionToken:    base64.StdEncoding.EncodeToString(sealed),
		Expiration:      s.Expires,
	}, nil
}

// openSession reads a session token that came with an access key, and the
// secret that belongs to them. It fails with seal.ErrOpen.
func openSession(box *seal.Box, accessKeyID, token string) (s Session, secret string, err error) {
	sealed, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil || strings.ContainsAny(token, "\r\n") { // which the decoder passes over
		return Session{}, "", seal.ErrOpen
	}
	text, err := box.Open(sealed, "session", accessKeyID)
	if err != nil {
		return Session{}, "", err
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return Session{}, "", fmt.Errorf("open session: %w", err)
	}
	secret, err = secretOf(box, sealed)
	return Session(r), secret, err
}

// secretOf derives the 40 characters of a session's secret key.
func secretOf(box *seal.Box, sealed []byte) (string, error) {
	raw, err := box.Derive(sealed, 30)
	return base64.StdEncoding.EncodeToString(raw), err
}

// newAccessKeyID draws an access key ID: the prefix and 16 characters, as at
// AWS (behaviour 7.1).
func newAccessKeyID(prefix string) string {
	var b [10]byte
	rand.Read(b[:])
	return prefix + base32.StdEncoding.EncodeToString(b[:])
}

// roleID is the unique ID of a role that is known by its ARN only: always the
// same for the same ARN.
func roleID(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return "AROA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}
