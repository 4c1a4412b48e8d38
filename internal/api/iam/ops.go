package iam

import "idpool/internal/wire"

// ops is the table of contents of the API. On says what a caller needs
// permission for, as the Service Authorization Reference has it. Lists of all
// there is have no resource.
func (s *Service) ops() []wire.Op {
	return []wire.Op{
		// OIDC providers.
		wire.Signed("AddClientIDToOpenIDConnectProvider", addClientIDShape, s.addClientID).On(s.onProvider),
		wire.Signed("CreateOpenIDConnectProvider", createOIDCProviderShape, s.createOIDCProvider).On(s.onProvider),
		wire.Signed("DeleteOpenIDConnectProvider", deleteOIDCProviderShape, s.deleteOIDCProvider).On(s.onProvider),
		wire.Signed("GetOpenIDConnectProvider", getOIDCProviderShape, s.getOIDCProvider).On(s.onProvider),
		wire.Signed("ListOpenIDConnectProviderTags", pagedOIDCProviderShape, s.listOIDCProviderTags).On(s.onProvider),
		wire.Signed("ListOpenIDConnectProviders", wire.Struct{}, s.listOIDCProviders),
		wire.Signed("RemoveClientIDFromOpenIDConnectProvider", removeClientIDShape, s.removeClientID).On(s.onProvider),
		wire.Signed("TagOpenIDConnectProvider", tagOIDCProviderShape, s.tagOIDCProvider).On(s.onProvider),
		wire.Signed("UntagOpenIDConnectProvider", untagOIDCProviderShape, s.untagOIDCProvider).On(s.onProvider),
		wire.Signed("UpdateOpenIDConnectProviderThumbprint", updateThumbprintShape, s.updateThumbprint).On(s.onProvider),

		// SAML providers.
		wire.Signed("CreateSAMLProvider", createSAMLProviderShape, s.createSAMLProvider).On(onSAMLProvider),
		wire.Signed("DeleteSAMLProvider", samlProviderShape, s.deleteSAMLProvider).On(onSAMLProvider),
		wire.Signed("GetSAMLProvider", samlProviderShape, s.getSAMLProvider).On(onSAMLProvider),
		wire.Signed("ListSAMLProviders", wire.Struct{}, s.listSAMLProviders),
		wire.Signed("ListSAMLProviderTags", pagedSAMLProviderShape, s.listSAMLProviderTags).On(onSAMLProvider),
		wire.Signed("TagSAMLProvider", tagSAMLProviderShape, s.tagSAMLProvider).On(onSAMLProvider),
		wire.Signed("UntagSAMLProvider", untagSAMLProviderShape, s.untagSAMLProvider).On(onSAMLProvider),
		wire.Signed("UpdateSAMLProvider", updateSAMLProviderShape, s.updateSAMLProvider).On(onSAMLProvider),

		// Roles.
		wire.Signed("AttachRolePolicy", attachRoleShape, s.attachRolePolicy).On(onRole),
		wire.Signed("CreateRole", createRoleShape, s.createRole).On(onRole),
		wire.Signed("DeleteRole", roleShape, s.deleteRole).On(onRole),
		wire.Signed("DeleteRolePolicy", rolePolicyShape, s.deleteRolePolicy).On(onRole),
		wire.Signed("DetachRolePolicy", attachRoleShape, s.detachRolePolicy).On(onRole),
		wire.Signed("GetRole", roleShape, s.getRole).On(onRole),
		wire.Signed("GetRolePolicy", rolePolicyShape, s.getRolePolicy).On(onRole),
		wire.Signed("ListAttachedRolePolicies", attachedRoleShape, s.listAttachedRolePolicies).On(onRole),
		wire.Signed("ListInstanceProfilesForRole", pagedRoleShape, s.listInstanceProfilesForRole).On(onRole),
		wire.Signed("ListRolePolicies", pagedRoleShape, s.listRolePolicies).On(onRole),
		wire.Signed("ListRoles", listShape, s.listRoles),
		wire.Signed("ListRoleTags", pagedRoleShape, s.listRoleTags).On(onRole),
		wire.Signed("PutRolePolicy", putRolePolicyShape, s.putRolePolicy).On(onRole),
		wire.Signed("TagRole", tagRoleShape, s.tagRole).On(onRole),
		wire.Signed("UntagRole", untagRoleShape, s.untagRole).On(onRole),
		wire.Signed("UpdateAssumeRolePolicy", updateAssumeRolePolicyShape, s.updateAssumeRolePolicy).On(onRole),
		wire.Signed("UpdateRole", updateRoleShape, s.updateRole).On(onRole),
		wire.Signed("UpdateRoleDescription", updateRoleDescriptionShape, s.updateRoleDescription).On(onRole),

		// Users.
		wire.Signed("AttachUserPolicy", attachUserShape, s.attachUserPolicy).On(onUser),
		wire.Signed("CreateUser", createUserShape, s.createUser).On(onUser),
		wire.Signed("DeleteLoginProfile", getUserShape, s.loginProfile).On(onUser),
		wire.Signed("DeleteUser", userShape, s.deleteUser).On(onUser),
		wire.Signed("DeleteUserPolicy", userPolicyShape, s.deleteUserPolicy).On(onUser),
		wire.Signed("DetachUserPolicy", attachUserShape, s.detachUserPolicy).On(onUser),
		wire.Signed("GetLoginProfile", getUserShape, s.loginProfile).On(onUser),
		wire.Signed("GetUser", getUserShape, s.getUser).On(onUser),
		wire.Signed("GetUserPolicy", userPolicyShape, s.getUserPolicy).On(onUser),
		wire.Signed("ListAttachedUserPolicies", attachedUserShape, s.listAttachedUserPolicies).On(onUser),
		wire.Signed("ListGroupsForUser", pagedUserShape, s.listGroupsForUser).On(onUser),
		wire.Signed("ListMFADevices", pagedOwnShape, s.listMFADevices).On(onUser),
		wire.Signed("ListServiceSpecificCredentials", serviceCredentialsShape, s.listServiceSpecificCredentials).On(onUser),
		wire.Signed("ListSigningCertificates", pagedOwnShape, s.listSigningCertificates).On(onUser),
		wire.Signed("ListSSHPublicKeys", pagedOwnShape, s.listSSHPublicKeys).On(onUser),
		wire.Signed("ListUserPolicies", pagedUserShape, s.listUserPolicies).On(onUser),
		wire.Signed("ListUsers", listShape, s.listUsers),
		wire.Signed("ListUserTags", pagedUserShape, s.listUserTags).On(onUser),
		wire.Signed("ListVirtualMFADevices", virtualMFAShape, s.listVirtualMFADevices),
		wire.Signed("PutUserPolicy", putUserPolicyShape, s.putUserPolicy).On(onUser),
		wire.Signed("TagUser", tagUserShape, s.tagUser).On(onUser),
		wire.Signed("UntagUser", untagUserShape, s.untagUser).On(onUser),
		wire.Signed("UpdateUser", updateUserShape, s.updateUser).On(onUser),

		// Access keys.
		wire.Signed("CreateAccessKey", getUserShape, s.createAccessKey).On(onUser),
		wire.Signed("DeleteAccessKey", deleteAccessKeyShape, s.deleteAccessKey).On(onUser),
		wire.Signed("GetAccessKeyLastUsed", getAccessKeyLastUsedShape, s.getAccessKeyLastUsed),
		wire.Signed("ListAccessKeys", pagedOwnShape, s.listAccessKeys).On(onUser),
		wire.Signed("UpdateAccessKey", updateAccessKeyShape, s.updateAccessKey).On(onUser),

		// Managed policies.
		wire.Signed("CreatePolicy", createPolicyShape, s.createPolicy).On(onPolicy),
		wire.Signed("CreatePolicyVersion", createPolicyVersionShape, s.createPolicyVersion).On(onPolicy),
		wire.Signed("DeletePolicy", policyShape, s.deletePolicy).On(onPolicy),
		wire.Signed("DeletePolicyVersion", policyVersionShape, s.deletePolicyVersion).On(onPolicy),
		wire.Signed("GetPolicy", policyShape, s.getPolicy).On(onPolicy),
		wire.Signed("GetPolicyVersion", policyVersionShape, s.getPolicyVersion).On(onPolicy),
		wire.Signed("ListEntitiesForPolicy", listEntitiesForPolicyShape, s.listEntitiesForPolicy).On(onPolicy),
		wire.Signed("ListPolicies", listPoliciesShape, s.listPolicies),
		wire.Signed("ListPolicyTags", pagedPolicyShape, s.listPolicyTags).On(onPolicy),
		wire.Signed("ListPolicyVersions", pagedPolicyShape, s.listPolicyVersions).On(onPolicy),
		wire.Signed("SetDefaultPolicyVersion", policyVersionShape, s.setDefaultPolicyVersion).On(onPolicy),
		wire.Signed("TagPolicy", tagPolicyShape, s.tagPolicy).On(onPolicy),
		wire.Signed("UntagPolicy", untagPolicyShape, s.untagPolicy).On(onPolicy),
	}
}
