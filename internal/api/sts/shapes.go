package sts

import (
	"time"

	"idpool/internal/credential"
	"idpool/internal/wire"
)

// The constrained types of the service model (behaviour 8.3, 8.5).
var (
	arn            = wire.Str{Min: 20, Max: 2048}
	sessionName    = wire.Str{Min: 2, Max: 64, Pattern: wire.Re(`[\w+=,.@-]*`)}
	sessionPolicy  = wire.Str{Min: 1, Max: 2048}
	policyARNs     = wire.List{Max: 10, Of: wire.Struct{wire.Opt("arn", arn)}}
	tagKey         = wire.Str{Min: 1, Max: 128, Pattern: wire.Re(`[\p{L}\p{Z}\p{N}_.:/=+\-@]+`)}
	tags           = wire.List{Max: 50, Of: wire.Struct{wire.Req("Key", tagKey), wire.Req("Value", wire.Str{Max: 256, Pattern: wire.Re(`[\p{L}\p{Z}\p{N}_.:/=+\-@]*`)})}}
	externalID     = wire.Str{Min: 2, Max: 1224, Pattern: wire.Re(`[\w+=,.@:\/-]*`)}
	sourceIdentity = wire.Str{Min: 2, Max: 64, Pattern: wire.Re(`[\w+=,.@-]*`)}
	accessKeyID    = wire.Str{Min: 16, Max: 128, Pattern: wire.Re(`[\w]*`)}
)

type policyARN struct {
	ARN string `json:"arn"`
}

type tag struct{ Key, Value string }

type assumedRoleUser struct {
	Arn           string
	AssumedRoleID string `xml:"AssumedRoleId"`
}

type credentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

func shown(c credential.Credentials) credentials {
	return credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken,
		Expiration: c.Expiration.UTC().Format(time.RFC3339)}
}

const defaultDuration = 3600 // seconds

func duration(seconds, otherwise int) time.Duration {
	if seconds == 0 {
		seconds = otherwise
	}
	return time.Duration(seconds) * time.Second
}

func sessionPolicies(document string, managed []policyARN) (documents, arns []string) {
	if document != "" {
		documents = []string{document}
	}
	for _, p := range managed {
		arns = append(arns, p.ARN)
	}
	return documents, arns
}
