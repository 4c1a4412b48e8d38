package idpool

// Caller is the verified sender of a signed request.
type Caller struct {
	Account     string // twelve digits
	Region      string // from the scope of the signature
	ARN         string // of the root, a user or a role's session
	UserID      string // as GetCallerIdentity shows it
	AccessKeyID string
	Root        bool // the account's root: may do everything in it
}

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
