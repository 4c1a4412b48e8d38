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

// Session is an assumed role in use.
type Session struct {
	ID          string            `json:"id"` // of this session, for the log and for revocation
	AccessKeyID string            `json:"key"`
	Role        string            `json:"role"` // ARN
	RoleID      string            `json:"roleId"`
	Name        string            `json:"name"`
	Provider    string            `json:"provider,omitempty"` // who vouched: the federated principal
	Subject     string            `json:"sub,omitempty"`      // identity ID
	Audience    string            `json:"aud,omitempty"`      // pool ID
	AMR         []string          `json:"amr,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"` // of the principal
	Issued      time.Time         `json:"iat"`
	Expires     time.Time         `json:"exp"`
}

// ARN is the session's ARN: the principal of requests signed with it.
func (s Session) ARN() string {
	role, _ := idpool.ParseRoleARN(s.Role) // checked when the session was made
	return role.Session(s.Name)
}

// UserID is what GetCallerIdentity shows: role ID and session name.
func (s Session) UserID() string { return s.RoleID + ":" + s.Name }

// Credentials are temporary credentials: always the four.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

// sealSession turns a session into credentials.
func sealSession(box *seal.Box, s Session) (Credentials, error) {
	record, err := json.Marshal(s)
	if err != nil {
		return Credentials{}, fmt.Errorf("seal session: %w", err)
	}
	sealed := box.Seal(record, "session", s.AccessKeyID)
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
	record, err := box.Open(sealed, "session", accessKeyID)
	if err != nil {
		return Session{}, "", err
	}
	if err := json.Unmarshal(record, &s); err != nil {
		return Session{}, "", fmt.Errorf("open session: %w", err)
	}
	secret, err = secretOf(box, sealed)
	return s, secret, err
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
