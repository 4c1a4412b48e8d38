// Package fire sets three servers on a PostgreSQL primary with a synchronous
// standby on fire: people sign in, link, merge, unlink and are deleted at all of
// them, while servers are killed and paused, and databases are lost.
//
//	clients ─► histories, one a person ─► porcupine: some order of the calls explains all answers
//	tables  ─► what is stored at the end is the last answer of each history
//
// What a call may answer is the model in model_test.go, written from the rules
// of behaviour 3.1 and 3.2 and not from the code. A call whose answer never came
// may have happened at any time after it was made, or never.
//
// It is in the module of the SDK tests, so that porcupine is no part of the
// product.
package fire
