#!/usr/bin/env bash
# The aws CLI against a running server, as a person would type it. Run by
# clients_test.go, which passes ENDPOINT, ISSUER, USER_POOL (which lives at
# ISSUER too) and the AWS environment.
set -euo pipefail
. ./cli.sh

CALLS=$(mktemp)
trap 'rm -f "$CALLS"' EXIT
ci="aws --output text cognito-identity"
account=arn:aws:iam::000000000000
provider=${ISSUER#http://}
arn=$account:oidc-provider/$provider
nobody=us-east-1:00000000-0000-4000-8000-000000000000
# role IDENTITY LOGINS [MORE...] prints the role that the credentials are for.
role() {
	local key secret session who
	read -r key secret session < <($ci get-credentials-for-identity --identity-id "$1" --logins "$2" "${@:3}" --query 'Credentials.[AccessKeyId,SecretKey,SessionToken]')
	who=$(AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret AWS_SESSION_TOKEN=$session aws --output text sts get-caller-identity --query Arn)
	same "${who%/*/*}/${who##*/}" arn:aws:sts::000000000000:assumed-role/CognitoIdentityCredentials
	who=${who%/*}
	echo "${who##*/}"
}

pool=$($ci create-identity-pool --identity-pool-name "cli pool" --allow-unauthenticated-identities --developer-provider-name login.shop \
	--open-id-connect-provider-arns "$arn" --cognito-identity-providers "ProviderName=$USER_POOL,ClientId=web,ServerSideTokenCheck=false" \
	--supported-login-providers graph.facebook.com=7346241598935552 --identity-pool-tags team=blue --query IdentityPoolId)
has "$(refused $ci create-identity-pool --identity-pool-name "cli pool" --allow-unauthenticated-identities --saml-provider-arns arn:aws:iam::111122223333:saml-provider/x)" \
	"An error occurred (NotAuthorizedException) when calling the CreateIdentityPool operation: Identity provider arn:aws:iam::111122223333:saml-provider/x is not valid for account 000000000000"
same "$($ci describe-identity-pool --identity-pool-id "$pool" --query '[IdentityPoolName,DeveloperProviderName,CognitoIdentityProviders[0].ClientId,IdentityPoolTags.team]')" \
	$'cli pool\tlogin.shop\tweb\tblue'
$ci set-identity-pool-roles --identity-pool-id "$pool" --roles "authenticated=$account:role/shopper,unauthenticated=$account:role/guest"
same "$($ci get-identity-pool-roles --identity-pool-id "$pool" --query Roles.unauthenticated)" $account:role/guest
has "$(refused $ci set-identity-pool-roles --identity-pool-id "$pool" --roles authenticated=arn:aws:iam::111122223333:role/x)" \
	"Access to Role 'arn:aws:iam::111122223333:role/x' is forbidden."
has "$(refused $ci get-identity-pool-roles --identity-pool-id $nobody)" "IdentityPool '$nobody' not found."
same "$($ci update-identity-pool --identity-pool-id "$pool" --identity-pool-name renamed --allow-unauthenticated-identities --open-id-connect-provider-arns "$arn" \
	--cognito-identity-providers "ProviderName=$USER_POOL,ClientId=web" --query '[DeveloperProviderName,SupportedLoginProviders]')" $'login.shop\tNone'
has "$(refused $ci update-identity-pool --identity-pool-id "$pool" --identity-pool-name x --no-allow-unauthenticated-identities --developer-provider-name login.other)" \
	"The DeveloperProviderName of an identity pool cannot be changed once it is set."

# Tags.
resource=arn:aws:cognito-identity:us-east-1:000000000000:identitypool/$pool
$ci tag-resource --resource-arn "$resource" --tags cost=low
$ci untag-resource --resource-arn "$resource" --tag-keys team
same "$($ci list-tags-for-resource --resource-arn "$resource" --query '[Tags.cost,Tags.team]')" $'low\tNone'
has "$(refused $ci tag-resource --resource-arn "$resource" --tags aws:x=1)" "Tag keys that begin with aws: are reserved."
for op in "list-tags-for-resource" "untag-resource --tag-keys team"; do
	has "$(refused $ci $op --resource-arn "$pool")" "(AccessDeniedException)"
done

# A person.
token=$(mint alice)
logins=$provider=$token
id=$($ci get-id --identity-pool-id "$pool" --logins "$logins" --query IdentityId)
same "$($ci get-id --identity-pool-id "$pool" --logins "$logins" --query IdentityId)" "$id"
same "$(role "$id" "$logins")" shopper
ours=$($ci get-open-id-token --identity-id "$id" --logins "$logins" --query Token)
same "$(aws --output text sts assume-role-with-web-identity --role-arn $account:role/shopper --role-session-name cli \
	--web-identity-token "$ours" --query SubjectFromWebIdentityToken)" "$id"
same "$($ci describe-identity --identity-id "$id" --query 'Logins[0]')" "$provider"
same "$($ci list-identities --identity-pool-id "$pool" --max-results 10 --query 'Identities[].IdentityId')" "$id"
has "$(refused $ci get-credentials-for-identity --identity-id "$id")" \
	"An error occurred (NotAuthorizedException) when calling the GetCredentialsForIdentity operation: Access to Identity '$id' is forbidden."
has "$(refused $ci get-id --identity-pool-id "$pool" --logins "$provider=${token%?????}AAAAA")" "Invalid login token. Couldn't verify signed token."
has "$(refused $ci list-identities --identity-pool-id "$pool" --max-results 1 --next-token nonsense)" "The NextToken is not valid."
has "$(refused $ci list-identity-pools --max-results 61)" "Member must have value less than or equal to 60"

# A user of the pool's own back end.
read -r user theirs < <($ci get-open-id-token-for-developer-identity --identity-pool-id "$pool" --logins login.shop=u-1 --principal-tags plan=gold \
	--token-duration 300 --query '[IdentityId,Token]')
same "$(role "$user" "cognito-identity.amazonaws.com=$theirs")" shopper
has "$(refused $ci get-id --identity-pool-id "$pool" --logins "cognito-identity.amazonaws.com=$theirs")" "Invalid login token. Can't pass in a Cognito token."
has "$(refused $ci get-open-id-token-for-developer-identity --identity-pool-id "$pool" --logins login.other=u-1)" \
	"This identity pool does not support the specified developer provider"
other=$($ci get-open-id-token-for-developer-identity --identity-pool-id "$pool" --logins login.shop=u-2 --query IdentityId)
has "$(refused $ci get-open-id-token-for-developer-identity --identity-pool-id "$pool" --identity-id "$other" --logins login.shop=u-1)" "(DeveloperUserAlreadyRegisteredException)"
same "$($ci lookup-developer-identity --identity-pool-id "$pool" --developer-user-identifier u-2 --query IdentityId)" "$other"
has "$(refused $ci lookup-developer-identity --identity-pool-id "$pool" --developer-user-identifier u-9)" "(ResourceNotFoundException)"
merge="$ci merge-developer-identities --identity-pool-id $pool --destination-user-identifier u-1 --query IdentityId"
has "$(refused $merge --source-user-identifier u-2 --developer-provider-name login.other)" "(InvalidParameterException)"
same "$($merge --source-user-identifier u-2 --developer-provider-name login.shop)" "$user"
same "$($ci lookup-developer-identity --identity-pool-id "$pool" --identity-id "$user" --query 'DeveloperUserIdentifierList' | xargs)" "u-1 u-2"
same "$($ci list-identities --identity-pool-id "$pool" --max-results 10 --query 'length(Identities)')" 3
same "$($ci list-identities --identity-pool-id "$pool" --max-results 10 --hide-disabled --query 'length(Identities)')" 2
unlink="$ci unlink-developer-identity --identity-pool-id $pool --developer-provider-name login.shop --developer-user-identifier u-2"
has "$(refused $unlink --identity-id "$id")" "(ResourceConflictException)"
$unlink --identity-id "$user"

# Claims become tags, and choose a role.
map="--identity-pool-id $pool --identity-provider-name $arn"
$ci set-principal-tag-attribute-map $map --no-use-defaults --principal-tags dept=department >/dev/null
same "$($ci get-principal-tag-attribute-map $map --query '[UseDefaults,PrincipalTags.dept]')" $'False\tdepartment'
for op in "set-principal-tag-attribute-map --use-defaults" get-principal-tag-attribute-map; do
	has "$(refused $ci $op --identity-pool-id "$pool" --identity-provider-name graph.facebook.com)" "(graph.facebook.com) is not a configured provider."
done
$ci set-identity-pool-roles --identity-pool-id "$pool" --roles authenticated=$account:role/shopper --role-mappings "{
	\"$arn\": {\"Type\": \"Rules\", \"AmbiguousRoleResolution\": \"Deny\", \"RulesConfiguration\": {\"Rules\": [
		{\"Claim\": \"groups\", \"MatchType\": \"Equals\", \"Value\": \"admins\", \"RoleARN\": \"$account:role/admin\"},
		{\"Claim\": \"department\", \"MatchType\": \"StartsWith\", \"Value\": \"eng\", \"RoleARN\": \"$account:role/engineer\"}]}},
	\"$USER_POOL:web\": {\"Type\": \"Token\", \"AmbiguousRoleResolution\": \"AuthenticatedRole\"}}"
same "$($ci get-identity-pool-roles --identity-pool-id "$pool" --query "RoleMappings.\"$arn\".RulesConfiguration.Rules[].RoleARN" | xargs)" \
	"$account:role/admin $account:role/engineer"
both=$provider=$(mint alice '{"groups": ["admins"], "department": "engines"}')
same "$(role "$id" "$both")" admin
same "$(role "$id" "$both" --custom-role-arn $account:role/engineer)" engineer
has "$(refused $ci get-credentials-for-identity --identity-id "$id" --logins "$logins")" "The ambiguous role mapping rules for: $provider denied this request."
has "$(refused $ci get-open-id-token --identity-id "$id" --logins "$logins")" "Basic (classic) flow is not supported with RoleMappings, please use enhanced flow."
chosen=$USER_POOL=$(mint bea "{\"token_use\": \"id\", \"cognito:roles\": [\"$account:role/reader\"]}")
same "$(role "$($ci get-id --identity-pool-id "$pool" --logins "$chosen" --query IdentityId)" "$chosen")" reader
$ci set-identity-pool-roles --identity-pool-id "$pool" --roles '{}'

# Unlinked, deleted.
has "$(refused $ci unlink-identity --identity-id "$id" --logins "$provider=$(mint bob)" --logins-to-remove "$provider")" "Logins don't match."
$ci unlink-identity --identity-id "$id" --logins "$logins" --logins-to-remove "$provider"
has "$(refused $ci get-open-id-token --identity-id "$id" --logins "$logins")" "Access to Identity '$id' is forbidden."
same "$($ci delete-identities --identity-ids-to-delete "$id" "$user" --query 'length(UnprocessedIdentityIds)')" 0
has "$(refused $ci describe-identity --identity-id "$id")" "Identity '$id' not found."
has "$(refused $ci delete-identities --identity-ids-to-delete "$id" --no-sign-request)" "(MissingAuthenticationTokenException)"

# Paging: the CLI pages by itself when it is not told how many.
north="aws --output text --region eu-north-1 cognito-identity"
for i in 1 2 3 4 5; do $north create-identity-pool --identity-pool-name "p$i" --no-allow-unauthenticated-identities >/dev/null; done
same "$($north list-identity-pools --cli-input-json '{}' --page-size 2 --query 'IdentityPools[].IdentityPoolName' | xargs)" "p1 p2 p3 p4 p5"
same "$($north list-identity-pools --cli-input-json '{}' --page-size 1 --max-items 3 --query 'IdentityPools[].IdentityPoolName' | grep -v '^None$' | xargs)" "p1 p2 p3"
next=$($north list-identity-pools --max-results 3 --query NextToken)
same "$($north list-identity-pools --max-results 3 --next-token "$next" --query 'IdentityPools[].IdentityPoolName' | xargs)" "p4 p5"

# IAM.
iam="aws --output text iam"
p=$($iam create-open-id-connect-provider --url https://login.example.com --client-id-list web \
	--thumbprint-list 9e99a48a9960b14926bb7f3b02e22da2b0ab7280 --query OpenIDConnectProviderArn)
same "$p" $account:oidc-provider/login.example.com
$iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn "$p" --client-id mobile
$iam remove-client-id-from-open-id-connect-provider --open-id-connect-provider-arn "$p" --client-id web
$iam update-open-id-connect-provider-thumbprint --open-id-connect-provider-arn "$p" --thumbprint-list 0000000000000000000000000000000000000000
same "$($iam get-open-id-connect-provider --open-id-connect-provider-arn "$p" --query 'ClientIDList[]')" mobile
has "$($iam list-open-id-connect-providers)" "$p"
$iam delete-open-id-connect-provider --open-id-connect-provider-arn "$p"
has "$(refused $iam get-open-id-connect-provider --open-id-connect-provider-arn "$p")" "(NoSuchEntity)"

# The program's own client commands.
has "$("$IDPOOL" pools list)" renamed
has "$("$IDPOOL" pools show "$pool" --output json)" '"guests": true'
has "$(refused "$IDPOOL" pools show $nobody)" "idpool: hint: list pools with"
[ -n "$("$IDPOOL" dev token --sub bob --aud web --claim admin=true)" ] || fail "dev token printed nothing"

$ci delete-identity-pool --identity-pool-id "$pool"
has "$(refused $ci describe-identity-pool --identity-pool-id "$pool")" "(ResourceNotFoundException)"
has "$(refused $ci delete-identity-pool --identity-pool-id "$pool")" "(ResourceNotFoundException)"

# Each operation was both answered and refused.
for op in create-identity-pool delete-identities delete-identity-pool describe-identity describe-identity-pool get-credentials-for-identity get-id \
	get-identity-pool-roles get-open-id-token get-open-id-token-for-developer-identity get-principal-tag-attribute-map list-identities list-identity-pools \
	list-tags-for-resource lookup-developer-identity merge-developer-identities set-identity-pool-roles set-principal-tag-attribute-map tag-resource \
	unlink-developer-identity unlink-identity untag-resource update-identity-pool; do
	for what in answered refused; do grep -qx "$op $what" "$CALLS" || fail "$op was never $what"; done
done
