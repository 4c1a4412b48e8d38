package cognito

import "idpool/internal/wire"

// The constrained types of the service model (behaviour 2.0).
var (
	guid             = wire.Re(`[\w-]+:[0-9a-f-]+`)
	poolID           = wire.Str{Min: 1, Max: 55, Pattern: guid}
	identityID       = wire.Str{Min: 1, Max: 55, Pattern: guid}
	poolName         = wire.Str{Min: 1, Max: 128, Pattern: wire.Re(`[\w\s+=,.@-]+`)}
	accountID        = wire.Str{Min: 1, Max: 15, Pattern: wire.Re(`\d+`)}
	arn              = wire.Str{Min: 20, Max: 2048}
	providerName     = wire.Str{Min: 1, Max: 128}
	providerToken    = wire.Str{Min: 1, Max: 50000, Sensitive: true}
	providerID       = wire.Str{Min: 1, Max: 128, Pattern: wire.Re(`[\w.;_/-]+`)}
	developerName    = wire.Str{Min: 1, Max: 128, Pattern: wire.Re(`[\w._-]+`)}
	userPoolName     = wire.Str{Min: 1, Max: 128, Pattern: wire.Re(`[\w._:/-]+`)}
	userPoolClientID = wire.Str{Min: 1, Max: 128, Pattern: wire.Re(`[\w_]+`)}
	developerUser    = wire.Str{Min: 1, Max: 1024}
	tagKey           = wire.Str{Min: 1, Max: 128}
	tagValue         = wire.Str{Min: 0, Max: 256}
	claimName        = wire.Str{Min: 1, Max: 64, Pattern: wire.Re(`[\p{L}\p{M}\p{S}\p{N}\p{P}]+`)}
	maxResults       = wire.Int{Min: 1, Max: 60}
	nextToken        = wire.Str{Min: 1, Max: 65535, Pattern: wire.Re(`[\S]+`)}

	principalTags  = wire.Map{Max: 50, Key: tagKey, Value: wire.Str{Min: 1, Max: 256}}
	logins         = wire.Map{Max: 10, Key: providerName, Value: providerToken}
	loginProviders = wire.Map{Max: 10, Key: providerName, Value: providerID}
	tags           = wire.Map{Key: tagKey, Value: tagValue}
	roles          = wire.Map{Max: 2, Key: wire.Str{Min: 1, Max: 128, Pattern: wire.Re(`(un)?authenticated`)}, Value: arn}
	userPools      = wire.List{Of: wire.Struct{
		wire.Opt("ProviderName", userPoolName),
		wire.Opt("ClientId", userPoolClientID),
		wire.Opt("ServerSideTokenCheck", wire.Bool{}),
	}}
	roleMappings = wire.Map{Max: 10, Key: providerName, Value: wire.Struct{
		wire.Req("Type", wire.Str{Enum: []string{"Token", "Rules"}}),
		wire.Opt("AmbiguousRoleResolution", wire.Str{Enum: []string{"AuthenticatedRole", "Deny"}}),
		wire.Opt("RulesConfiguration", wire.Struct{
			wire.Req("Rules", wire.List{Min: 1, Max: 400, Of: wire.Struct{
				wire.Req("Claim", claimName),
				wire.Req("MatchType", wire.Str{Enum: []string{"Equals", "Contains", "StartsWith", "NotEqual"}}),
				wire.Req("Value", wire.Str{Min: 1, Max: 128}),
				wire.Req("RoleARN", arn),
			}}),
		}),
	}}
)
