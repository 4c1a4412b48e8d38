package iam

import (
	"encoding/xml"
	"time"

	"idpool/internal/wire"
)

// The constrained types of the service model (behaviour 9.2).
var (
	arn        = wire.Str{Min: 20, Max: 2048}
	clientID   = wire.Str{Min: 1, Max: 255}
	thumbprint = wire.Str{Min: 40, Max: 40}
	tags       = wire.List{Max: 50, Of: wire.Struct{
		wire.Req("Key", wire.Str{Min: 1, Max: 128, Pattern: wire.Re(`[\p{L}\p{Z}\p{N}_.:/=+\-@]+`)}),
		wire.Req("Value", wire.Str{Max: 256, Pattern: wire.Re(`[\p{L}\p{Z}\p{N}_.:/=+\-@]*`)}),
	}}
)

type tag struct{ Key, Value string }

// date is a moment in an answer: ISO 8601, whole seconds, UTC.
type date time.Time

// MarshalXML writes the moment.
func (d date) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(time.Time(d).UTC().Format(time.RFC3339), start)
}
