// Package idpool is the domain: pools, identities, the logins that lead to
// them, and the rules that decide which identity a person is.
//
//	verified logins ─► rule (SignIn, Resume, Unlink) ─► Store
//
// A rule is a plain function over a transaction ([Reader], [Writer]). It never
// reads the clock, draws randomness or calls the network: times and fresh IDs
// come in as arguments, so a rule may run again when a transaction is retried.
//
// The package knows no JSON, no HTTP and no exception name. It fails with an
// [Error] of a [Kind]; each protocol has one table that names the kinds.
package idpool
