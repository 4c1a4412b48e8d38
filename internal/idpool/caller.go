package idpool

// Caller is the verified sender of a signed request: an account's root, a user,
// or a session of one of these or of a role.
type Caller struct {
	Account     string // twelve digits
	Region      string // from the scope of the signature
	ARN         string // of the root, a user or a role's session
	UserID      string // as GetCallerIdentity shows it
	AccessKeyID string
	Root        bool     // the account's root: may do everything in it
	User        string   // name of the IAM user
	Session     *Session // nil for a long-lived key
}

// RootARN is the ARN of an account's root.
func RootARN(account string) string { return "arn:aws:iam::" + account + ":root" }

// RootCaller is the root of an account.
func RootCaller(account, region, accessKeyID string) Caller {
	return Caller{
		Account:     account,
		Region:      region,
		ARN:         "arn:" + Partition(region) + ":iam::" + account + ":root",
		UserID:      account,
		AccessKeyID: accessKeyID,
		Root:        true,
	}
}

// Role is the ARN of the role that the caller is a session of; empty for
// everybody else.
func (c Caller) Role() string {
	if c.Session == nil {
		return ""
	}
	return c.Session.Role
}
