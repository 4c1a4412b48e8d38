package iam

import (
	"encoding/xml"
	"strings"
	"time"

	"idpool/internal/wire"
)

// The constrained types of the service model (behaviour 9.2 to 9.4). What
// characters a name or a path may have is checked by checkName and checkPath,
// because IAM has texts of its own for that.
var (
	arn            = wire.Str{Min: 20, Max: 2048}
	clientID       = wire.Str{Min: 1, Max: 255}
	thumbprint     = wire.Str{Min: 40, Max: 40}
	roleName       = wire.Str{Min: 1, Max: 64}
	newUserName    = wire.Str{Min: 1, Max: 64}
	userName       = wire.Str{Min: 1, Max: 128}
	policyName     = wire.Str{Min: 1, Max: 128}
	path           = wire.Str{Min: 1, Max: 512}
	description    = wire.Str{Max: 1000, Pattern: wire.Re(`[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*`)}
	policyDocument = wire.Str{Min: 1, Max: 131072, Pattern: wire.Re(`[\u0009\u000A\u000D\u0020-\u00FF]+`)}
	versionID      = wire.Str{Pattern: wire.Re(`v[1-9][0-9]*(\.[A-Za-z0-9-]*)?`)}
	sessionTime    = wire.Int{Min: 3600, Max: 43200}
	accessKeyID    = wire.Str{Min: 16, Max: 128, Pattern: wire.Re(`[\w]+`)}
	policyUsage    = wire.Str{Enum: []string{"PermissionsPolicy", "PermissionsBoundary"}}

	tagKey = wire.Str{Min: 1, Max: 128, Pattern: wire.Re(`[\p{L}\p{Z}\p{N}_.:/=+\-@]+`)}
	tags   = wire.List{Max: maxTags, Of: wire.Struct{
		wire.Req("Key", tagKey),
		wire.Req("Value", wire.Str{Max: 256, Pattern: wire.Re(`[\p{L}\p{Z}\p{N}_.:/=+\-@]*`)}),
	}}
	tagKeys = wire.List{Max: maxTags, Of: tagKey}

	// The model allows 320 characters; a marker of ours holds the key of an item.
	marker   = wire.Str{Min: 1, Max: 1024}
	maxItems = wire.Int{Min: 1, Max: 1000}
)

// paged adds the members of a request for one page to a shape.
func paged(members ...wire.Member) wire.Struct {
	return append(members, wire.Opt("Marker", marker), wire.Opt("MaxItems", maxItems))
}

type tag struct{ Key, Value string }

// date is a moment in an answer: ISO 8601, whole seconds, UTC.
type date time.Time

// MarshalXML writes the moment.
func (d date) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(time.Time(d).UTC().Format(time.RFC3339), start)
}

// encoded is a policy document in an answer: percent-encoded (RFC 3986), as it
// was submitted otherwise (behaviour 9.1).
type encoded string

// MarshalXML writes the document.
func (t encoded) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(t) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return e.EncodeElement(b.String(), start)
}
