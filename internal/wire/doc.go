// Package wire speaks the two AWS protocols: AWS JSON 1.1 and AWS Query.
//
//	request ─► route ─► parse ─► authenticate ─► check shape ─► operation ─► answer or fault
//
// A [Service] is a table of typed operations ([Op]), each with the shape of its
// input ([Struct]) and a plain Go function. The shapes carry the constraints of
// the service model; one walker checks them all and words every violation as
// the hosted service does. The Query protocol is flattened to the same tree
// before the walk, so both protocols share everything but their codecs.
//
// The package does not know what a pool is. What an operation fails with is an
// [idpool.Error]; the service's [Faults] table names its kind.
package wire
