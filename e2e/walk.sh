#!/usr/bin/env bash
# The whole way with nothing but the aws CLI, on a strict server that has nothing
# but its root key: from an OIDC provider to a person's credentials that may do one
# thing, and to the day that the role trusts another pool. Run by walk_test.go,
# which passes ENDPOINT, lets the CLI find the root key, and has the server look
# for login.example.com at ISSUER.
set -euo pipefail
. ./cli.sh

ci="aws --output text cognito-identity"
iam="aws --output text iam"
sts="aws --output text sts"
account=000000000000
provider=login.example.com
other=us-east-1:00000000-0000-4000-8000-000000000000

# The operator makes a pool that trusts the provider, and a role that trusts the
# pool. trust POOL prints such a policy.
trust() {
	cat <<-POLICY
		{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": "cognito-identity.amazonaws.com"},
		  "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {
		    "StringEquals": {"cognito-identity.amazonaws.com:aud": "$1"},
		    "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"}}}]}
	POLICY
}
arn=$($iam create-open-id-connect-provider --url https://$provider --client-id-list web --query OpenIDConnectProviderArn)
same "$arn" arn:aws:iam::$account:oidc-provider/$provider
pool=$($ci create-identity-pool --identity-pool-name shop --no-allow-unauthenticated-identities --open-id-connect-provider-arns "$arn" --query IdentityPoolId)
role=$($iam create-role --role-name customer --assume-role-policy-document "$(trust "$pool")" --query Role.Arn)
resource=arn:aws:cognito-identity:us-east-1:$account:identitypool/$pool
$iam put-role-policy --role-name customer --policy-name look --policy-document \
	"{\"Version\": \"2012-10-17\", \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"cognito-identity:DescribeIdentityPool\", \"Resource\": \"$resource\"}}"
$ci set-identity-pool-roles --identity-pool-id "$pool" --roles "authenticated=$role"

# Somebody signs in, who has no key. as COMMAND... runs it with what she got.
logins=$provider=$(mint alice)
id=$($ci get-id --no-sign-request --identity-pool-id "$pool" --logins "$logins" --query IdentityId)
signin="$ci get-credentials-for-identity --no-sign-request --identity-id $id --logins $logins"
read -r key secret session < <($signin --query 'Credentials.[AccessKeyId,SecretKey,SessionToken]')
as() { AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret AWS_SESSION_TOKEN=$session "$@"; }

me=arn:aws:sts::$account:assumed-role/customer/CognitoIdentityCredentials
same "$(as $sts get-caller-identity --query Arn)" $me
same "$(as $ci describe-identity-pool --identity-pool-id "$pool" --query IdentityPoolName)" shop
has "$(as refused $ci delete-identity-pool --identity-pool-id "$pool")" "(AccessDeniedException) when calling the DeleteIdentityPool operation: User: $me is not \
authorized to perform: cognito-identity:DeleteIdentityPool on resource: $resource because no identity-based policy allows the cognito-identity:DeleteIdentityPool action"
has "$(as refused $iam get-role --role-name customer)" "(AccessDenied) when calling the GetRole operation: User: $me is not authorized to perform: iam:GetRole on resource: $role"

# The role trusts another pool from now on: nobody becomes it. Who is in stays in.
$iam update-assume-role-policy --role-name customer --policy-document "$(trust $other)"
has "$(refused $signin)" "(InvalidIdentityPoolConfigurationException) when calling the GetCredentialsForIdentity operation: \
Invalid identity pool configuration. Check assigned IAM roles for this pool."
same "$(as $sts get-caller-identity --query Arn)" $me

# And back again: she is who she was.
$iam update-assume-role-policy --role-name customer --policy-document "$(trust "$pool")"
same "$($signin --query IdentityId)" "$id"
