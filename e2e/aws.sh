#!/usr/bin/env bash
# The aws CLI against a running server, as a person would type it. Run by
# clients_test.go, which passes ENDPOINT, ISSUER and the AWS environment.
set -euo pipefail

fail() { echo "FAIL: $*" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "got '$1', want '$2'"; }
# refused COMMAND... : the command must fail; what it said comes out.
refused() { if out=$("$@" 2>&1); then fail "$* succeeded: $out"; fi; printf '%s' "$out"; }
has() { case $1 in *"$2"*) ;; *) fail "'$1' does not say '$2'" ;; esac; }

# Named each time, because older versions know nothing of AWS_ENDPOINT_URL.
aws() { command aws --endpoint-url "$ENDPOINT" "$@"; }
ci="aws cognito-identity --output text"
provider=${ISSUER#http://}
arn=arn:aws:iam::000000000000:oidc-provider/$provider
mint() { node --input-type=module -e "console.log((await (await fetch('$ISSUER/mint?sub=$1&client=web')).json()).id_token)"; }

pool=$($ci create-identity-pool --identity-pool-name "cli pool" --allow-unauthenticated-identities \
	--open-id-connect-provider-arns "$arn" --identity-pool-tags team=blue --query IdentityPoolId)
same "$($ci describe-identity-pool --identity-pool-id "$pool" --query IdentityPoolName)" "cli pool"
$ci set-identity-pool-roles --identity-pool-id "$pool" \
	--roles authenticated=arn:aws:iam::000000000000:role/shopper,unauthenticated=arn:aws:iam::000000000000:role/guest
same "$($ci get-identity-pool-roles --identity-pool-id "$pool" --query Roles.unauthenticated)" arn:aws:iam::000000000000:role/guest
$ci update-identity-pool --identity-pool-id "$pool" --identity-pool-name renamed --allow-unauthenticated-identities \
	--open-id-connect-provider-arns "$arn" >/dev/null
resource=arn:aws:cognito-identity:us-east-1:000000000000:identitypool/$pool
$ci tag-resource --resource-arn "$resource" --tags cost=low
$ci untag-resource --resource-arn "$resource" --tag-keys team
same "$($ci list-tags-for-resource --resource-arn "$resource" --query Tags.cost)" low

# A person.
token=$(mint alice)
id=$($ci get-id --identity-pool-id "$pool" --logins "$provider=$token" --query IdentityId)
same "$($ci get-id --identity-pool-id "$pool" --logins "$provider=$token" --query IdentityId)" "$id"
read -r key secret session < <($ci get-credentials-for-identity --identity-id "$id" --logins "$provider=$token" \
	--query 'Credentials.[AccessKeyId,SecretKey,SessionToken]')
same "$(AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret AWS_SESSION_TOKEN=$session aws sts get-caller-identity --query Arn --output text)" \
	arn:aws:sts::000000000000:assumed-role/shopper/CognitoIdentityCredentials
ours=$($ci get-open-id-token --identity-id "$id" --logins "$provider=$token" --query Token)
same "$(aws sts assume-role-with-web-identity --role-arn arn:aws:iam::000000000000:role/shopper --role-session-name cli \
	--web-identity-token "$ours" --query SubjectFromWebIdentityToken --output text)" "$id"
same "$($ci describe-identity --identity-id "$id" --query 'Logins[0]')" "$provider"
same "$($ci list-identities --identity-pool-id "$pool" --max-results 10 --query 'Identities[].IdentityId')" "$id"

# Refusals.
has "$(refused $ci get-credentials-for-identity --identity-id "$id")" \
	"An error occurred (NotAuthorizedException) when calling the GetCredentialsForIdentity operation: Access to Identity '$id' is forbidden."
has "$(refused $ci get-id --identity-pool-id "$pool" --logins "$provider=${token%?????}AAAAA")" "Invalid login token. Couldn't verify signed token."
has "$(refused $ci list-identity-pools --max-results 61)" "Member must have value less than or equal to 60"

# Unlinked, deleted.
$ci unlink-identity --identity-id "$id" --logins "$provider=$token" --logins-to-remove "$provider"
has "$(refused $ci get-open-id-token --identity-id "$id" --logins "$provider=$token")" "Access to Identity '$id' is forbidden."
same "$($ci delete-identities --identity-ids-to-delete "$id" --query 'length(UnprocessedIdentityIds)')" 0

# Paging: the CLI pages by itself when it is not told how many.
north="aws cognito-identity --region eu-north-1 --output text"
for i in 1 2 3 4 5; do $north create-identity-pool --identity-pool-name "p$i" --no-allow-unauthenticated-identities >/dev/null; done
same "$($north list-identity-pools --cli-input-json '{}' --page-size 2 --query 'IdentityPools[].IdentityPoolName' | xargs)" "p1 p2 p3 p4 p5"
same "$($north list-identity-pools --cli-input-json '{}' --page-size 1 --max-items 3 --query 'IdentityPools[].IdentityPoolName' | grep -v '^None$' | xargs)" "p1 p2 p3"
next=$($north list-identity-pools --max-results 3 --query NextToken)
same "$($north list-identity-pools --max-results 3 --next-token "$next" --query 'IdentityPools[].IdentityPoolName' | xargs)" "p4 p5"

# IAM.
iam="aws iam --output text"
p=$($iam create-open-id-connect-provider --url https://login.example.com --client-id-list web --query OpenIDConnectProviderArn)
same "$p" arn:aws:iam::000000000000:oidc-provider/login.example.com
$iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn "$p" --client-id mobile
$iam remove-client-id-from-open-id-connect-provider --open-id-connect-provider-arn "$p" --client-id web
$iam update-open-id-connect-provider-thumbprint --open-id-connect-provider-arn "$p" --thumbprint-list 9e99a48a9960b14926bb7f3b02e22da2b0ab7280
same "$($iam get-open-id-connect-provider --open-id-connect-provider-arn "$p" --query 'ClientIDList[]')" mobile
has "$($iam list-open-id-connect-providers)" "$p"
$iam delete-open-id-connect-provider --open-id-connect-provider-arn "$p"
has "$(refused $iam get-open-id-connect-provider --open-id-connect-provider-arn "$p")" "(NoSuchEntity)"

# The program's own client commands.
has "$("$IDPOOL" pools list)" renamed
has "$("$IDPOOL" pools show "$pool" --output json)" '"guests": true'
has "$(refused "$IDPOOL" pools show us-east-1:00000000-0000-4000-8000-000000000000)" "idpool: hint: list pools with"
[ -n "$("$IDPOOL" dev token --sub bob --aud web --claim admin=true)" ] || fail "dev token printed nothing"

$ci delete-identity-pool --identity-pool-id "$pool"
has "$(refused $ci describe-identity-pool --identity-pool-id "$pool")" "(ResourceNotFoundException)"
