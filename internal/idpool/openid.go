package idpool

// OpenID is what our OpenID token says, as a value: the built-in STS takes it
// without a signature, everybody else as a signed token (behaviour 5.2).
type OpenID struct {
	Identity IdentityID // sub
	Pool     PoolID     // aud
	Account  string     // of the pool
	AMR      []string
	Tags     map[string]string // principal tags
}

// NewOpenID states how somebody became an identity of a pool. The providers
// named are those of this request, not all that are linked (behaviour 5.3).
func NewOpenID(pool Pool, id IdentityID, verified []VerifiedLogin) OpenID {
	o := OpenID{Identity: id, Pool: pool.ID, Account: pool.Account, AMR: []string{string(Unauthenticated)}, Tags: pool.principalTags(verified)}
	if len(verified) > 0 {
		o.AMR = []string{string(Authenticated)}
		for _, v := range verified {
			o.AMR = append(o.AMR, v.Provider, v.Detail)
		}
	}
	return o
}

// Guest reports whether nobody was authenticated.
func (o OpenID) Guest() bool { return len(o.AMR) == 1 && o.AMR[0] == string(Unauthenticated) }

// RoleType is the default role that fits.
func (o OpenID) RoleType() RoleType {
	if o.Guest() {
		return Unauthenticated
	}
	return Authenticated
}

// ResumeByOpenID says whether a verified token of our own opens an identity: it
// must be about that identity and that pool, and the identity must not be
// disabled. A token of a guest who has logged in meanwhile opens nothing. The
// error is of kind NotAuthorized.
func ResumeByOpenID(pool Pool, identity Identity, o OpenID) error {
	switch {
	case identity.Disabled:
		return Forbidden(identity.ID)
	case o.Identity != identity.ID || o.Pool != pool.ID:
		return loginsDoNotMatch("the token is for identity %s of pool %s", o.Identity, o.Pool)
	case o.Guest() && !identity.Guest():
		return Forbidden(identity.ID)
	case o.Guest() && !pool.AllowUnauthenticated:
		return guestsOff()
	}
	return nil
}
