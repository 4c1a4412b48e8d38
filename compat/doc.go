// Package compat drives a whole server with the official Go SDK: every
// operation, done and refused, on a server in development mode and on a strict
// one. It is a module of its own, so that no client of a service that the
// product does not use is part of the product.
//
// A new operation of the server fails TestEveryOperationHasACase until it has a
// line in the table of operations_test.go. The function there gets an account
// of its own. It must see the operation answer and refuse; refusals are held to
// the SDK's type and the exact text with refused, unmodelled and invalid.
// Nothing else is to be done: TestDrift, TestSignatures, TestOthersSeeNothing
// and TestPublicOperations find the operation themselves. What they may need is
// a value that its input takes, in newEstate, or a reason to differ from the
// SDK, in known.
package compat
