// Package credential makes, seals and opens temporary credentials, and
// verifies who signed a request.
//
//	role + claims ─► Broker.Assume ─► Session, sealed into a session token
//	signed request ─► Broker.Authenticate ─► idpool.Caller
//
// A session is stored nowhere: its session token is a sealed record of it, and
// its secret key is derived from the token. So any node that has the master
// key can verify what another one handed out.
package credential
