package idpool

import "time"

// Session is temporary credentials in use: an assumed role, or a user or root
// that asked for a session token. It is stored nowhere; its session token is a
// sealed record of it.
type Session struct {
	ID          string // of this session, for the log and for revocation
	AccessKeyID string
	Account     string

	Role   string // ARN of the role; empty for a session of a user or of root
	RoleID string
	Name   string // of the session
	User   string // name of the user whose session it is, if there is no role
	// OwnerID is the unique ID of that user, or the account of the root: a
	// user of the same name who comes later is somebody else.
	OwnerID string

	// Who vouched for it: the federated principal, and what it said. These
	// condition keys outlive the sign-in (behaviour 6.7).
	Provider string
	Keys     map[string][]string

	Tags           map[string]string // of the principal
	TransitiveTags []string          // keys of those that go on to the next role
	SourceIdentity string

	Policies   []string // session policies: documents
	PolicyARNs []string // session policies: managed
	Guest      bool     // the scope-down policies for guests apply too

	Issued  time.Time
	Expires time.Time
}

// ARN is the principal of requests signed with the session.
func (s Session) ARN() string {
	if role, ok := ParseRoleARN(s.Role); ok {
		return role.Session(s.Name)
	}
	if s.User != "" {
		return entityARN(s.Account, "user", "/", s.User)
	}
	return RootARN(s.Account)
}

// UserID is what GetCallerIdentity shows for a session of a role: role ID and
// session name.
func (s Session) UserID() string { return s.RoleID + ":" + s.Name }
