#!/usr/bin/env bash
# The aws CLI with the root key, with a wrong one, and without any. Run by
# clients_test.go, which passes ENDPOINT and lets the CLI find the root key.
set -euo pipefail

fail() { echo "FAIL: $*" >&2; exit 1; }
aws() { command aws --endpoint-url "$ENDPOINT" --output text "$@"; }
# refused WORDS COMMAND... : the command must fail and say the words.
refused() {
	local words=$1 out
	shift
	if out=$("$@" 2>&1); then fail "$* succeeded: $out"; fi
	case $out in *"$words"*) ;; *) fail "'$out' does not say '$words'" ;; esac
}
list="aws cognito-identity list-identity-pools --max-results 5"

$list
[ "$(aws sts get-caller-identity --query Arn)" = arn:aws:iam::000000000000:root ] || fail "the root key is not root"
refused "An error occurred (MissingAuthenticationTokenException) when calling the ListIdentityPools operation: Missing Authentication Token" $list --no-sign-request
AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=x refused "(UnrecognizedClientException)" $list
AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=x refused "(InvalidClientTokenId)" aws sts get-caller-identity

# A guest needs no signature.
pool=$(aws cognito-identity create-identity-pool --identity-pool-name guests --allow-unauthenticated-identities --query IdentityPoolId)
id=$(aws cognito-identity get-id --identity-pool-id "$pool" --no-sign-request --query IdentityId)
token=$(aws cognito-identity get-open-id-token --identity-id "$id" --no-sign-request --query Token)
refused "(InvalidIdentityPoolConfigurationException)" aws cognito-identity get-credentials-for-identity --identity-id "$id" --no-sign-request
# No role exists, so none can be assumed, whatever the token.
refused "(AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity" \
	aws sts assume-role-with-web-identity --role-arn arn:aws:iam::000000000000:role/any --role-session-name cli --web-identity-token "$token"
# Without --dev there is no issuer that signs anything.
refused "idpool: error: " "$IDPOOL" dev token --endpoint-url "$ENDPOINT" --sub alice --aud web
