package cognito

import (
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// common are the errors that nearly every operation declares.
var common = []idpool.Kind{idpool.Invalid, idpool.NotAuthorized, idpool.Throttled, idpool.Internal}

func andCommon(more ...idpool.Kind) []idpool.Kind { return slices.Concat(common, more) }

// ops is the table of contents of the API: each operation with its input, what
// it does, the resource that a caller needs permission for (behaviour 7.4), and
// the errors that the service model declares.
func (s *Service) ops() []wire.Op {
	return []wire.Op{
		wire.Signed("CreateIdentityPool", createIdentityPoolShape, s.createIdentityPool).
			Raises(andCommon(idpool.Conflict, idpool.Limit)...),
		wire.Signed("DeleteIdentities", deleteIdentitiesShape, s.deleteIdentities).
			Raises(idpool.Invalid, idpool.Throttled, idpool.Internal),
		wire.Signed("DeleteIdentityPool", deleteIdentityPoolShape, s.deleteIdentityPool).
			On(thePool).Raises(andCommon(idpool.NotFound)...),
		wire.Signed("DescribeIdentity", describeIdentityShape, s.describeIdentity).
			Raises(andCommon(idpool.NotFound)...),
		wire.Signed("DescribeIdentityPool", describeIdentityPoolShape, s.describeIdentityPool).
			On(thePool).Raises(andCommon(idpool.NotFound)...),
		wire.Public("GetCredentialsForIdentity", getCredentialsForIdentityShape, s.getCredentialsForIdentity).
			Raises(andCommon(idpool.NotFound, idpool.Conflict, idpool.Misconfigured, idpool.Upstream)...),
		wire.Public("GetId", getIDShape, s.getID).
			Raises(andCommon(idpool.NotFound, idpool.Conflict, idpool.Limit, idpool.Upstream)...),
		wire.Signed("GetIdentityPoolRoles", getIdentityPoolRolesShape, s.getIdentityPoolRoles).
			On(thePool).Raises(andCommon(idpool.NotFound, idpool.Conflict)...),
		wire.Public("GetOpenIdToken", getOpenIDTokenShape, s.getOpenIDToken).
			Raises(andCommon(idpool.NotFound, idpool.Conflict, idpool.Upstream)...),
		wire.Signed("GetOpenIdTokenForDeveloperIdentity", getOpenIDTokenForDeveloperIdentityShape, s.getOpenIDTokenForDeveloperIdentity).
			On(thePool).Raises(andCommon(idpool.NotFound, idpool.Conflict, idpool.Registered)...),
		wire.Signed("GetPrincipalTagAttributeMap", getPrincipalTagAttributeMapShape, s.getPrincipalTagAttributeMap).
			On(thePool).Raises(andCommon(idpool.NotFound)...),
		wire.Signed("ListIdentities", listIdentitiesShape, s.listIdentities).
			On(thePool).Raises(andCommon(idpool.NotFound)...),
		wire.Signed("ListIdentityPools", listIdentityPoolsShape, s.listIdentityPools).
			On(anyPoolOfCaller).Raises(andCommon(idpool.NotFound)...),
		wire.Signed("ListTagsForResource", listTagsForResourceShape, s.listTagsForResource).
			On(theARN).Raises(andCommon(idpool.NotFound)...),
		wire.Signed("LookupDeveloperIdentity", lookupDeveloperIdentityShape, s.lookupDeveloperIdentity).
			On(thePool).Raises(andCommon(idpool.NotFound, idpool.Conflict)...),
		wire.Signed("MergeDeveloperIdentities", mergeDeveloperIdentitiesShape, s.mergeDeveloperIdentities).
			On(thePool).Raises(andCommon(idpool.NotFound, idpool.Conflict)...),
		wire.Signed("SetIdentityPoolRoles", setIdentityPoolRolesShape, s.setIdentityPoolRoles).
			Raises(andCommon(idpool.NotFound, idpool.Conflict, idpool.Changed)...),
		wire.Signed("SetPrincipalTagAttributeMap", setPrincipalTagAttributeMapShape, s.setPrincipalTagAttributeMap).
			On(thePool).Raises(andCommon(idpool.NotFound)...),
		wire.Signed("TagResource", tagResourceShape, s.tagResource).
			On(theARN).Raises(andCommon(idpool.NotFound)...),
		wire.Signed("UnlinkDeveloperIdentity", unlinkDeveloperIdentityShape, s.unlinkDeveloperIdentity).
			On(thePool).Raises(andCommon(idpool.NotFound, idpool.Conflict)...),
		wire.Public("UnlinkIdentity", unlinkIdentityShape, s.unlinkIdentity).
			Raises(andCommon(idpool.NotFound, idpool.Conflict, idpool.Upstream)...),
		wire.Signed("UntagResource", untagResourceShape, s.untagResource).
			On(theARN).Raises(andCommon(idpool.NotFound)...),
		wire.Signed("UpdateIdentityPool", updateIdentityPoolShape, s.updateIdentityPool).
			On(thePool).Raises(andCommon(idpool.NotFound, idpool.Conflict, idpool.Changed, idpool.Limit)...),
	}
}

// thePool is the ARN of the pool that the input names.
func thePool(caller idpool.Caller, text func(string) string) string {
	return idpool.PoolARN(caller.Account, idpool.PoolID(text("IdentityPoolId")))
}

// theARN is the ARN that the input names.
func theARN(_ idpool.Caller, text func(string) string) string { return text("ResourceArn") }

// anyPoolOfCaller is the ARN that the hosted service shows for a listing: that
// of a pool with no ID.
func anyPoolOfCaller(caller idpool.Caller, _ func(string) string) string {
	return "arn:" + idpool.Partition(caller.Region) + ":cognito-identity:" + caller.Region + ":" + caller.Account + ":identitypool/"
}
