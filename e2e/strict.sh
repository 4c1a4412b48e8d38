#!/usr/bin/env bash
# The aws CLI with the root key, with a wrong one, and without any. Run by
# clients_test.go, which passes ENDPOINT and lets the CLI find the root key.
set -euo pipefail
. ./cli.sh

ci="aws --output text cognito-identity"
sts="aws --output text sts"
list="$ci list-identity-pools --max-results 5"

$list
same "$($sts get-caller-identity --query Arn)" arn:aws:iam::000000000000:root
has "$(refused $list --no-sign-request)" \
	"An error occurred (MissingAuthenticationTokenException) when calling the ListIdentityPools operation: Missing Authentication Token"
has "$(AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=x refused $list)" "(UnrecognizedClientException)"
has "$(AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=x refused $sts get-caller-identity)" "(InvalidClientTokenId)"

# A guest needs no signature.
pool=$($ci create-identity-pool --identity-pool-name guests --allow-unauthenticated-identities --query IdentityPoolId)
id=$($ci get-id --identity-pool-id "$pool" --no-sign-request --query IdentityId)
token=$($ci get-open-id-token --identity-id "$id" --no-sign-request --query Token)
has "$(refused $ci get-credentials-for-identity --identity-id "$id" --no-sign-request)" "(InvalidIdentityPoolConfigurationException)"
# No role exists, so none can be assumed, whatever the token.
has "$(refused $sts assume-role-with-web-identity --role-arn arn:aws:iam::000000000000:role/any --role-session-name cli --web-identity-token "$token")" \
	"(AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity"
# Whoever vouches for a user must sign.
has "$(refused $ci get-open-id-token-for-developer-identity --identity-pool-id "$pool" --logins login.shop=u-1 --no-sign-request)" "(MissingAuthenticationTokenException)"
# Without --dev there is no issuer that signs anything.
has "$(refused "$IDPOOL" dev token --endpoint-url "$ENDPOINT" --sub alice --aud web)" "idpool: error: "
