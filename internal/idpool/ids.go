package idpool

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// PoolID names a pool: "REGION:UUID", lower-case hexadecimal.
type PoolID string

// IdentityID names an identity: "REGION:UUID" with the region of its pool.
type IdentityID string

// Region is the part of the ID before the colon; the whole ID if it has none.
func (id PoolID) Region() string { return regionOf(string(id)) }

// Region is the part of the ID before the colon; the whole ID if it has none.
func (id IdentityID) Region() string { return regionOf(string(id)) }

func regionOf(id string) string {
	region, _, _ := strings.Cut(id, ":")
	return region
}

// NewPoolID draws a random pool ID (UUID version 4).
func NewPoolID(region string) PoolID {
	var b [16]byte
	rand.Read(b[:])
	return PoolID(region + ":" + uuid(b, 4))
}

// NewIdentityID draws an identity ID that sorts by the time it was made (the
// layout of UUID version 7, RFC 9562): 48 bits of milliseconds, 74 of
// randomness. Time-ordered keys are several times cheaper to insert.
func NewIdentityID(region string, now time.Time) IdentityID {
	var b [16]byte
	rand.Read(b[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(b[:6], ms[2:])
	return IdentityID(region + ":" + uuid(b, 7))
}

// NewRequestID draws a random UUID, the form of the x-amzn-RequestId header.
func NewRequestID() string {
	var b [16]byte
	rand.Read(b[:])
	return uuid(b, 4)
}

func uuid(b [16]byte, version byte) string {
	b[6] = b[6]&0x0f | version<<4
	b[8] = b[8]&0x3f | 0x80
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 36)
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}

var regionForm = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]{1,16}){1,3}-[0-9]{1,2}$`)

// ValidRegion reports whether the name has the form of an AWS region, such as
// us-east-1 or us-gov-west-1. Any name of that form is served.
func ValidRegion(name string) bool { return len(name) <= 40 && regionForm.MatchString(name) }

// partitions are all that [Partition] knows.
var partitions = []string{"aws", "aws-cn", "aws-us-gov"}

// Partition is the first part of every ARN of the region: aws, aws-cn or
// aws-us-gov.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// PoolARN is the ARN of a pool. The pool ID in it holds a colon of its own.
func PoolARN(account string, id PoolID) string {
	region := id.Region()
	return fmt.Sprintf("arn:%s:cognito-identity:%s:%s:identitypool/%s", Partition(region), region, account, id)
}

var poolIDForm = regexp.MustCompile(`^[\w-]+:[0-9a-f-]+$`)

// ParsePoolARN takes a pool's ARN apart. It reports false for anything else,
// also for an ARN whose region is not the pool's.
func ParsePoolARN(arn string) (account string, id PoolID, ok bool) {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 {
		return "", "", false
	}
	name, isPool := strings.CutPrefix(p[5], "identitypool/")
	id = PoolID(name)
	if !isPool || !isAccount(p[4]) || !ValidRegion(p[3]) || !poolIDForm.MatchString(name) || arn != PoolARN(p[4], id) {
		return "", "", false
	}
	return p[4], id, true
}

// isAccount reports whether a text is twelve digits.
func isAccount(text string) bool { return len(text) == 12 && strings.Trim(text, "0123456789") == "" }

// ProviderARN is the ARN of an IAM OIDC provider. Its name is its address
// without the scheme. IAM is global: the ARN names no region.
func ProviderARN(account, name string) string {
	return fmt.Sprintf("arn:aws:iam::%s:oidc-provider/%s", account, name)
}

// ParseProviderARN takes the ARN of an IAM OIDC provider apart.
func ParseProviderARN(arn string) (account, name string, ok bool) {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || p[0] != "arn" || !slices.Contains(partitions, p[1]) || p[2] != "iam" || p[3] != "" || !isAccount(p[4]) {
		return "", "", false
	}
	name, ok = strings.CutPrefix(p[5], "oidc-provider/")
	return p[4], name, ok && name != ""
}

// RoleARN is the ARN of an IAM role, taken apart.
type RoleARN struct {
	Partition, Account string
	Path               string // with both slashes; "/" for none
	Name               string
}

// ParseRoleARN takes the ARN of an IAM role apart. It does so by hand, because
// every credential call does it.
func ParseRoleARN(arn string) (RoleARN, bool) {
	rest, isARN := strings.CutPrefix(arn, "arn:")
	partition, rest, isIAM := strings.Cut(rest, ":iam::")
	account, rest, isRole := strings.Cut(rest, ":role/")
	at := strings.LastIndexByte(rest, '/') + 1
	r := RoleARN{Partition: partition, Account: account, Path: "/" + rest[:at], Name: rest[at:]}
	ok := isARN && isIAM && isRole && slices.Contains(partitions, partition) &&
		isAccount(account) &&
		(at == 0 || at >= 2 && at <= 511 && only(r.Path, isGraphic)) &&
		len(r.Name) >= 1 && len(r.Name) <= 64 && only(r.Name, inRoleName)
	if !ok {
		return RoleARN{}, false
	}
	return r, true
}

func only(text string, allowed func(c byte) bool) bool {
	for i := range len(text) {
		if !allowed(text[i]) {
			return false
		}
	}
	return true
}

func isGraphic(c byte) bool { return '!' <= c && c <= '~' }
func inRoleName(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("_+=,.@-", c) >= 0
}

func (r RoleARN) String() string {
	return "arn:" + r.Partition + ":iam::" + r.Account + ":role" + r.Path + r.Name
}

// Session is the ARN of a session of the role. It drops the role's path.
func (r RoleARN) Session(name string) string {
	return "arn:" + r.Partition + ":sts::" + r.Account + ":assumed-role/" + r.Name + "/" + name
}
