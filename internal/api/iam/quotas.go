package iam

import "idpool/internal/idpool"

// The quotas of IAM (IAM User Guide, "IAM and AWS STS quotas"). Sizes are in
// characters without white space.
const (
	maxRoles         = 1000
	maxUsers         = 5000
	maxPolicies      = 1500
	maxSAMLProviders = 100
	maxAttached      = 10
	maxVersions      = 5
	maxAccessKeys    = 2

	maxTrustSize      = 2048
	maxManagedSize    = 6144
	maxRoleInlineSize = 10_240 // all inline policies of a role together
	maxUserInlineSize = 2048
)

// quota is the error for one more than there can be.
func quota(name string, limit int) error {
	return idpool.Errorf(idpool.Limit, "Cannot exceed quota for %s: %d", name, limit)
}
