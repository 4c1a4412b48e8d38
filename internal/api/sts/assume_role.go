package sts

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var assumeRoleShape = wire.Struct{
	wire.Req("RoleArn", arn),
	wire.Req("RoleSessionName", sessionName),
	wire.Opt("PolicyArns", policyARNs),
	wire.Opt("Policy", sessionPolicy),
	wire.Opt("DurationSeconds", wire.Int{Min: 900, Max: 43200}),
	wire.Opt("Tags", tags),
	wire.Opt("TransitiveTagKeys", wire.List{Max: 50, Of: tagKey}),
	wire.Opt("ExternalId", externalID),
	wire.Opt("SourceIdentity", sourceIdentity),
}

type assumeRoleInput struct {
	RoleArn           string
	RoleSessionName   string
	PolicyArns        []policyARN
	Policy            string
	DurationSeconds   int
	Tags              []tag
	TransitiveTagKeys []string
	ExternalID        string `json:"ExternalId"`
	SourceIdentity    string
}

type assumeRoleOutput struct {
	AssumedRoleUser  assumedRoleUser
	Credentials      credentials
	PackedPolicySize int    `xml:",omitempty"`
	SourceIdentity   string `xml:",omitempty"`
}

// maxChained is how long a session lasts that a session of a role asked for.
const maxChained = time.Hour

// assumeRole makes a role's session for a caller whom the role trusts. Transitive
// tags and the source identity of the caller's own session go on.
func (s *Service) assumeRole(ctx context.Context, caller idpool.Caller, in assumeRoleInput) (assumeRoleOutput, error) {
	if _, ok := idpool.ParseRoleARN(in.RoleArn); !ok {
		return assumeRoleOutput{}, idpool.Errorf(idpool.Invalid, "%s is invalid", in.RoleArn)
	}
	ev := wire.EventFrom(ctx)
	ev.Role = in.RoleArn
	wish := credential.Assumption{
		Role: in.RoleArn, Name: in.RoleSessionName, Action: "sts:AssumeRole", Duration: duration(in.DurationSeconds, defaultDuration),
		SourceIdentity: in.SourceIdentity, TransitiveTags: in.TransitiveTagKeys, Tags: map[string]string{}, SourceIP: ev.Client().String(), Secure: ev.Secure,
	}
	wish.Policies, wish.PolicyARNs = sessionPolicies(in.Policy, in.PolicyArns)
	for _, t := range in.Tags {
		if foldedKey(wish.Tags, t.Key) != "" {
			return assumeRoleOutput{}, idpool.Errorf(idpool.Malformed, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		wish.Tags[t.Key] = t.Value
	}
	for _, key := range in.TransitiveTagKeys {
		if _, set := wish.Tags[key]; !set {
			return assumeRoleOutput{}, idpool.Errorf(idpool.Malformed, "The specified transitive tag key must be included in the requested tags.")
		}
	}
	if caller.Role() != "" {
		if err := chain(&wish, *caller.Session); err != nil {
			return assumeRoleOutput{}, err
		}
	}
	if err := s.Broker.MayAssume(ctx, caller, &wish, in.ExternalID); err != nil {
		return assumeRoleOutput{}, err
	}
	session, minted, err := s.Broker.Assume(ctx, wish)
	if err != nil {
		return assumeRoleOutput{}, err
	}
	return assumeRoleOutput{
		AssumedRoleUser:  assumedRoleUser{Arn: session.ARN(), AssumedRoleID: session.UserID()},
		Credentials:      shown(minted),
		PackedPolicySize: wish.PackedSize(),
		SourceIdentity:   wish.SourceIdentity,
	}, nil
}

// chain takes over what goes on from the session that asks (behaviour 8.5).
func chain(wish *credential.Assumption, from idpool.Session) error {
	if wish.Duration > maxChained {
		return idpool.Errorf(idpool.Invalid, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	for _, key := range from.TransitiveTags {
		if foldedKey(wish.Tags, key) != "" {
			return idpool.Errorf(idpool.Malformed, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		wish.Tags[key] = from.Tags[key]
		wish.TransitiveTags = append(slices.Clone(wish.TransitiveTags), key)
	}
	if from.SourceIdentity != "" {
		if wish.SourceIdentity != "" && wish.SourceIdentity != from.SourceIdentity {
			return idpool.Errorf(idpool.AccessDenied, "The source identity of a session cannot be changed.")
		}
		wish.SourceIdentity = from.SourceIdentity
	}
	wish.Keys, wish.Lasting = from.Keys, slices.Sorted(maps.Keys(from.Keys))
	return nil
}

// foldedKey is the tag key that differs from a key in case at most; empty if
// there is none.
func foldedKey(tags map[string]string, key string) string {
	for held := range tags {
		if strings.EqualFold(held, key) {
			return held
		}
	}
	return ""
}
