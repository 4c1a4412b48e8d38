// Package e2e runs clients that are not ours against the built program: boto3,
// the aws CLI, the JavaScript SDK and Terraform, with an OpenID provider that is
// not ours either. It also kills the program, and starts it wrongly.
package e2e
