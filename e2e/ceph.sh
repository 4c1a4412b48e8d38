# What is tried after the lines of docs/recipes/ceph.md, in the same shell:
# who must not get in does not, keys rotate, and a second pool has a rule and
# principal tags. Run by ceph_test.go, which passes ENDPOINT, ISSUER, IDPOOL and
# STORE. Prints the pool and a token of alice; the second pool and tokens of bob
# and carol, whom its rule makes readers.

# assume ROLE TOKEN [SECONDS] asks RGW's STS, and prints its answer and the status.
assume() {
	curl -s -w ' %{http_code}' "$STORE" -d Action=AssumeRoleWithWebIdentity -d Version=2011-06-15 -d RoleSessionName=test \
		-d "RoleArn=arn:aws:iam:::role/$1" -d "WebIdentityToken=$2" -d "DurationSeconds=${3:-900}"
}
granted() { has "$(assume "$@")" "<SessionToken>"; }
denied() { has "$(assume "$@")" "<Code>AccessDenied</Code>"; }
openid() { pools cognito-identity get-open-id-token --identity-id "$1" "${@:2}" --query Token; }
login=login.example.com=$token

# A token of one second, for a user whom a back end vouches for.
pools cognito-identity update-identity-pool --identity-pool-id "$pool" --identity-pool-name shop --allow-unauthenticated-identities --allow-classic-flow \
	--open-id-connect-provider-arns "$provider" --developer-provider-name login.shop --query IdentityPoolId
developer() { pools cognito-identity get-open-id-token-for-developer-identity --identity-pool-id "$pool" --logins login.shop=u-1 --token-duration "$1" --query Token; }
brief=$(developer 1)
granted customer "$(developer 900)"

# A token of ours that is altered, one for another role, one of a pool that RGW
# does not trust.
own=$(openid "$id" --logins "$login")
granted customer "$own"
denied customer "${own%????}AAAA"
denied visitor "$own"
staff=$(pools cognito-identity create-identity-pool --identity-pool-name staff --allow-unauthenticated-identities --allow-classic-flow \
	--open-id-connect-provider-arns "$provider" --query IdentityPoolId)
stranger=$(pools cognito-identity get-id --identity-pool-id "$staff" --query IdentityId)
denied visitor "$(openid "$stranger")"

# Whatever a pool hands out, RGW decides. ceph_test.go finds the reason in the log.
pools cognito-identity set-identity-pool-roles --identity-pool-id "$staff" --roles unauthenticated=arn:aws:iam:::role/visitor
has "$(refused pools cognito-identity get-credentials-for-identity --identity-id "$stranger")" "(InvalidIdentityPoolConfigurationException)"

# RGW trusts that pool, too. A rule makes people of a group a role that only reads,
# and that only for one department.
arn=$(rgw iam list-open-id-connect-providers --query 'OpenIDConnectProviderList[].Arn')
rgw iam delete-open-id-connect-provider --open-id-connect-provider-arn "$arn"
rgw iam create-open-id-connect-provider --url "$ENDPOINT" --client-id-list "$pool" "$staff" --thumbprint-list "$thumbprint"
same "$(s3 cp s3://shop/hello.txt -)" hello # who is in stays in
rgw iam create-role --role-name reader --assume-role-policy-document "$(pool=$staff trust authenticated)" --query Role.Arn
rgw iam put-role-policy --role-name reader --policy-name shop --policy-document "$(may '"s3:GetObject"' |
	jq -c '.Statement[0].Condition = {StringEquals: {"aws:PrincipalTag/department": "audit"}}')"
pools cognito-identity set-principal-tag-attribute-map --identity-pool-id "$staff" --identity-provider-name "$provider" --principal-tags department=department
pools cognito-identity set-identity-pool-roles --identity-pool-id "$staff" --roles authenticated=arn:aws:iam:::role/customer \
	--role-mappings "{\"$provider\": {\"Type\": \"Rules\", \"AmbiguousRoleResolution\": \"Deny\", \"RulesConfiguration\": {\"Rules\": [
		{\"Claim\": \"groups\", \"MatchType\": \"Contains\", \"Value\": \"readers\", \"RoleARN\": \"arn:aws:iam:::role/reader\"}]}}}"

# From now on another key signs, and everything below and in the SDKs is by that.
kid() { curl -s "$ENDPOINT/.well-known/jwks.json" | jq -r '.keys[0].kid'; }
before=$(kid)
"$IDPOOL" key rotate --now --data idpool-data
for _ in {1..100}; do [ "$(kid)" = "$before" ] || break; sleep 0.1; done
granted customer "$(openid "$id" --logins "$login")"
denied customer "$own" # RGW looks at no other key than the first

# By now the token of one second is over.
denied customer "$brief"

printf '%s\n' "$pool" "$(mint alice)" "$staff" "$(mint bob '{"groups": ["readers"], "department": "audit"}')" "$(mint carol '{"groups": ["readers"], "department": "sales"}')"
