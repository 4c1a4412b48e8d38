package cognito

import "idpool/internal/wire"

// ops is the table of contents of the API.
func (s *Service) ops() []wire.Op {
	return []wire.Op{
		wire.Signed("CreateIdentityPool", createIdentityPoolShape, s.createIdentityPool),
		wire.Signed("DeleteIdentities", deleteIdentitiesShape, s.deleteIdentities),
		wire.Signed("DeleteIdentityPool", deleteIdentityPoolShape, s.deleteIdentityPool),
		wire.Signed("DescribeIdentity", describeIdentityShape, s.describeIdentity),
		wire.Signed("DescribeIdentityPool", describeIdentityPoolShape, s.describeIdentityPool),
		wire.Public("GetCredentialsForIdentity", getCredentialsForIdentityShape, s.getCredentialsForIdentity),
		wire.Public("GetId", getIDShape, s.getID),
		wire.Signed("GetIdentityPoolRoles", getIdentityPoolRolesShape, s.getIdentityPoolRoles),
		wire.Public("GetOpenIdToken", getOpenIDTokenShape, s.getOpenIDToken),
		wire.Signed("ListIdentities", listIdentitiesShape, s.listIdentities),
		wire.Signed("ListIdentityPools", listIdentityPoolsShape, s.listIdentityPools),
		wire.Signed("ListTagsForResource", listTagsForResourceShape, s.listTagsForResource),
		wire.Signed("SetIdentityPoolRoles", setIdentityPoolRolesShape, s.setIdentityPoolRoles),
		wire.Signed("TagResource", tagResourceShape, s.tagResource),
		wire.Public("UnlinkIdentity", unlinkIdentityShape, s.unlinkIdentity),
		wire.Signed("UntagResource", untagResourceShape, s.untagResource),
		wire.Signed("UpdateIdentityPool", updateIdentityPoolShape, s.updateIdentityPool),
	}
}
