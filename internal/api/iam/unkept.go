package iam

import (
	"cmp"
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// What a role or a user can have at AWS and never has here. Terraform asks for
// all of it before it deletes a role or a user.

var (
	serviceCredentialsShape = append(wire.Struct{
		wire.Opt("UserName", newUserName),
		wire.Opt("ServiceName", wire.Str{}),
		wire.Opt("AllUsers", wire.Bool{}),
	}, paged()...)
	virtualMFAShape = append(wire.Struct{
		wire.Opt("AssignmentStatus", wire.Str{Enum: []string{"Any", "Assigned", "Unassigned"}}),
	}, paged()...)
)

type (
	serviceCredentialsInput struct {
		UserName, ServiceName string
		AllUsers              bool
		pageInput
	}
	virtualMFAInput struct {
		AssignmentStatus string
		pageInput
	}
	none = wire.XMLList[struct{}]

	listInstanceProfilesOutput struct {
		InstanceProfiles none
		pageOutput
	}
	listGroupsOutput struct {
		Groups none
		pageOutput
	}
	listMFADevicesOutput struct {
		MFADevices none
		pageOutput
	}
	listVirtualMFAOutput struct {
		VirtualMFADevices none
		pageOutput
	}
	listSSHPublicKeysOutput struct {
		SSHPublicKeys none
		pageOutput
	}
	listSigningCertificatesOutput struct {
		Certificates none
		pageOutput
	}
	listServiceCredentialsOutput struct {
		ServiceSpecificCredentials none
		pageOutput
	}
)

func (s *Service) listInstanceProfilesForRole(ctx context.Context, caller idpool.Caller, in pagedRoleInput) (listInstanceProfilesOutput, error) {
	_, err := s.viewRole(ctx, caller, in.RoleName)
	return listInstanceProfilesOutput{}, err
}

func (s *Service) listGroupsForUser(ctx context.Context, caller idpool.Caller, in pagedUserInput) (listGroupsOutput, error) {
	return listGroupsOutput{}, s.mustExist(ctx, caller, in.UserName)
}

func (s *Service) listMFADevices(ctx context.Context, caller idpool.Caller, in pagedUserInput) (listMFADevicesOutput, error) {
	return listMFADevicesOutput{}, s.mustExist(ctx, caller, in.UserName)
}

func (s *Service) listVirtualMFADevices(context.Context, idpool.Caller, virtualMFAInput) (listVirtualMFAOutput, error) {
	return listVirtualMFAOutput{}, nil
}

func (s *Service) listSSHPublicKeys(ctx context.Context, caller idpool.Caller, in pagedUserInput) (listSSHPublicKeysOutput, error) {
	return listSSHPublicKeysOutput{}, s.mustExist(ctx, caller, in.UserName)
}

func (s *Service) listSigningCertificates(ctx context.Context, caller idpool.Caller, in pagedUserInput) (listSigningCertificatesOutput, error) {
	return listSigningCertificatesOutput{}, s.mustExist(ctx, caller, in.UserName)
}

func (s *Service) listServiceSpecificCredentials(ctx context.Context, caller idpool.Caller, in serviceCredentialsInput) (listServiceCredentialsOutput, error) {
	if in.AllUsers {
		return listServiceCredentialsOutput{}, nil
	}
	return listServiceCredentialsOutput{}, s.mustExist(ctx, caller, in.UserName)
}

// loginProfile answers GetLoginProfile and DeleteLoginProfile: nobody has a
// password.
func (s *Service) loginProfile(ctx context.Context, caller idpool.Caller, in userInput) (wire.Empty, error) {
	name, err := meant(caller, in.UserName)
	if err == nil {
		err = s.mustExist(ctx, caller, name)
	}
	if err == nil {
		err = idpool.Errorf(idpool.NotFound, "Login Profile for User %s cannot be found.", cmp.Or(name, "root"))
	}
	return wire.Empty{}, err
}

// mustExist checks that the user whom a request is about exists.
func (s *Service) mustExist(ctx context.Context, caller idpool.Caller, named string) error {
	return s.Store.View(ctx, func(r idpool.Reader) error {
		_, err := owner(ctx, r, caller, named)
		return err
	})
}
