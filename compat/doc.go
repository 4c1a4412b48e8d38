// Package compat drives a whole server with the official Go SDK: what its
// clients accept, their users get.
package compat
