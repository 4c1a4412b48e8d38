package compat

import (
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// do calls an operation of IAM by its name; it must work.
func (s *site) do(t *testing.T, op string, given map[string]any) reflect.Value {
	t.Helper()
	out, err := s.byName(t, "iam:"+op, given)
	if err != nil {
		t.Fatal(err)
	}
	return reflect.ValueOf(out).Elem()
}

func (s *site) try(t *testing.T, op string, given map[string]any) error {
	t.Helper()
	_, err := s.byName(t, "iam:"+op, given)
	return err
}

// plain is a policy document as it was submitted: in an answer it is
// percent-encoded, which the Go SDK leaves to its user.
func plain(t *testing.T, document *string) string {
	t.Helper()
	text, err := url.PathUnescape(aws.ToString(document))
	if err != nil || text == aws.ToString(document) {
		t.Errorf("the document %q is not encoded (%v)", aws.ToString(document), err)
	}
	return text
}

// trusting is a trust policy for the people of a pool.
func trusting(pool string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},` +
		`"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"` + pool + `"}}}]}`
}

// allowing is a policy that allows actions.
func allowing(actions ...string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"*"}}`
}

const denyAll = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`

func roleMissing(name string) string {
	return fmt.Sprintf("The role with name %s cannot be found.", name)
}
func userOfIAMMissing(name string) string {
	return fmt.Sprintf("The user with name %s cannot be found.", name)
}

const badChars = " is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"

var principalIDForm = regexp.MustCompile(`^A(ROA|IDA|NPA)[A-Z2-7]{17}$`)

// iamRoles follows the life of roles (behaviour 9.4).
func iamRoles(t *testing.T, s *site) {
	ctx := t.Context()
	pool := s.pool(t)
	before := time.Now().Truncate(time.Second)
	made, err := s.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("Worker"), Path: aws.String("/apps/"), AssumeRolePolicyDocument: aws.String(trusting(pool)),
		Description: aws.String("works, at ½ speed"), Tags: []iamtypes.Tag{{Key: aws.String("team"), Value: aws.String("a")}}})
	if err != nil {
		t.Fatal(err)
	}
	r := made.Role
	if *r.Arn != s.role("apps/Worker") || *r.Path != "/apps/" || *r.RoleName != "Worker" || !principalIDForm.MatchString(*r.RoleId) || r.CreateDate.Before(before) ||
		plain(t, r.AssumeRolePolicyDocument) != trusting(pool) || len(r.Tags) != 1 {
		t.Errorf("made %+v", *r)
	}
	if r.MaxSessionDuration != nil || r.RoleLastUsed != nil {
		t.Errorf("CreateRole answers MaxSessionDuration %v and RoleLastUsed %v", r.MaxSessionDuration, r.RoleLastUsed)
	}
	get := func(name string) *iamtypes.Role {
		t.Helper()
		out, err := s.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
		if err != nil {
			t.Fatal(err)
		}
		return out.Role
	}
	if got := get("wORKER"); *got.RoleName != "Worker" || aws.ToInt32(got.MaxSessionDuration) != 3600 || got.RoleLastUsed == nil || len(got.Tags) != 1 || aws.ToString(got.Description) != "works, at ½ speed" {
		t.Errorf("got %+v", *got)
	}
	for _, name := range []string{"b-role", "C_role", "a.role"} {
		s.do(t, "CreateRole", map[string]any{"RoleName": name, "AssumeRolePolicyDocument": trusting(pool)})
	}
	for size := int32(1); size <= 5; size++ {
		var names []string
		for pages := iam.NewListRolesPaginator(s.iam, &iam.ListRolesInput{MaxItems: &size}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Roles {
				if r.MaxSessionDuration == nil || r.Tags != nil || r.RoleLastUsed != nil {
					t.Errorf("listed %+v", r)
				}
				names = append(names, *r.RoleName)
			}
		}
		if want := []string{"a.role", "b-role", "C_role", "Worker"}; !slices.Equal(names, want) {
			t.Errorf("pages of %d: %q, want %q", size, names, want)
		}
	}
	below, err := s.iam.ListRoles(ctx, &iam.ListRolesInput{PathPrefix: aws.String("/apps")})
	if err != nil || len(below.Roles) != 1 || below.IsTruncated || below.Marker != nil {
		t.Errorf("below /apps are %+v (%v)", below, err)
	}
	s.do(t, "UpdateRole", map[string]any{"RoleName": "Worker", "MaxSessionDuration": 7200})
	if got := get("Worker"); aws.ToInt32(got.MaxSessionDuration) != 7200 || aws.ToString(got.Description) != "works, at ½ speed" {
		t.Errorf("updated: %+v", *got)
	}
	described, err := s.iam.UpdateRoleDescription(ctx, &iam.UpdateRoleDescriptionInput{RoleName: aws.String("Worker"), Description: aws.String("")})
	if err != nil || described.Role.Description != nil || get("Worker").Description != nil {
		t.Errorf("without a description: %+v (%v)", described, err)
	}
	if out, err := s.iam.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: aws.String("Worker")}); err != nil || out.InstanceProfiles == nil || len(out.InstanceProfiles) != 0 {
		t.Errorf("instance profiles: %+v (%v), want an empty list", out, err)
	}

	for _, op := range []string{"GetRole", "UpdateRole", "UpdateRoleDescription", "UpdateAssumeRolePolicy", "ListInstanceProfilesForRole", "DeleteRole"} {
		given := map[string]any{"RoleName": "nobody", "PolicyDocument": trusting(pool)}
		refused[*iamtypes.NoSuchEntityException](t, s.try(t, op, given), roleMissing("nobody"))
		given["RoleName"] = "no body"
		unmodelled(t, s.try(t, op, given), "ValidationError", "The specified value for roleName"+badChars)
	}
	create := func(given map[string]any) error {
		all := map[string]any{"RoleName": "fresh", "AssumeRolePolicyDocument": trusting(pool)}
		for key, v := range given {
			all[key] = v
		}
		return s.try(t, "CreateRole", all)
	}
	refused[*iamtypes.EntityAlreadyExistsException](t, create(map[string]any{"RoleName": "WORKER"}), "Role with name WORKER already exists.")
	refused[*iamtypes.InvalidInputException](t, create(map[string]any{"PermissionsBoundary": s.role("any")}), "This version of idpool does not support permissions boundaries.")
	unmodelled(t, create(map[string]any{"Path": "/apps"}), "ValidationError",
		"The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	unmodelled(t, s.try(t, "ListRoles", map[string]any{"PathPrefix": "apps"}), "ValidationError",
		"The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters.")
	unmodelled(t, s.try(t, "ListRoles", map[string]any{"Marker": "garbage"}), "ValidationError", "The Marker is not valid.")
	invalid(t, create(map[string]any{"RoleName": letters(65), "MaxSessionDuration": 3599}),
		"Value '"+letters(65)+"' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64",
		"Value '3599' at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600")
	for text, document := range map[string]string{
		"This policy contains invalid Json":                          "{",
		"Has prohibited field Resource":                              strings.Replace(trusting(pool), `"Action"`, `"Resource":"*","Action"`, 1),
		"AssumeRole policy may only specify STS AssumeRole actions.": strings.Replace(trusting(pool), "sts:TagSession", "s3:GetObject", 1),
	} {
		refused[*iamtypes.MalformedPolicyDocumentException](t, create(map[string]any{"AssumeRolePolicyDocument": document}), text)
		refused[*iamtypes.MalformedPolicyDocumentException](t, s.try(t, "UpdateAssumeRolePolicy", map[string]any{"RoleName": "Worker", "PolicyDocument": document}), text)
	}

	s.do(t, "PutRolePolicy", map[string]any{"RoleName": "Worker", "PolicyName": "inline", "PolicyDocument": denyAll})
	s.do(t, "AttachRolePolicy", map[string]any{"RoleName": "Worker", "PolicyArn": readOnly})
	refused[*iamtypes.DeleteConflictException](t, s.try(t, "DeleteRole", map[string]any{"RoleName": "Worker"}), "Cannot delete entity, must detach all policies first.")
	s.do(t, "DetachRolePolicy", map[string]any{"RoleName": "Worker", "PolicyArn": readOnly})
	refused[*iamtypes.DeleteConflictException](t, s.try(t, "DeleteRole", map[string]any{"RoleName": "Worker"}), "Cannot delete entity, must delete policies first.")
	s.do(t, "DeleteRolePolicy", map[string]any{"RoleName": "Worker", "PolicyName": "inline"})
	s.do(t, "DeleteRole", map[string]any{"RoleName": "Worker"})
	refused[*iamtypes.NoSuchEntityException](t, s.try(t, "DeleteRole", map[string]any{"RoleName": "Worker"}), roleMissing("Worker"))

	t.Run("a role that exists is evaluated", s.rolesAreEvaluated)
}

// rolesAreEvaluated holds that trust policies say who becomes a role, and its
// policies what it may then do, at once after every change.
func (s *site) rolesAreEvaluated(t *testing.T) {
	ctx := t.Context()
	pool, other := s.pool(t), s.pool(t)
	ann := s.one.login("ann")
	id := s.id(t, pool, ann)
	classic, err := s.cognito.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: ann})
	if err != nil {
		t.Fatal(err)
	}
	s.do(t, "CreateRole", map[string]any{"RoleName": "people", "AssumeRolePolicyDocument": trusting(other)})
	enhanced := func() (*ci.GetCredentialsForIdentityOutput, error) {
		return s.cognito.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: ann})
	}
	byToken := func() error {
		_, err := s.sts.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String(s.role("people")), RoleSessionName: aws.String("app"), WebIdentityToken: classic.Token})
		return err
	}
	_, err = enhanced()
	refused[*types.InvalidIdentityPoolConfigurationException](t, err, noRole)
	unmodelled(t, byToken(), "AccessDenied", notAuthorized)
	s.do(t, "UpdateAssumeRolePolicy", map[string]any{"RoleName": "people", "PolicyDocument": trusting(pool)})
	minted, err := enhanced()
	if err != nil {
		t.Fatal(err)
	}
	if err := byToken(); err != nil {
		t.Error(err)
	}
	session := s.with(fromCognito(minted.Credentials))
	s.isSession(t, fromCognito(minted.Credentials), "people", "CognitoIdentityCredentials")
	list := func() error {
		_, err := session.cognito.ListIdentityPools(ctx, &ci.ListIdentityPoolsInput{MaxResults: aws.Int32(1)})
		return err
	}
	describe := func() error {
		_, err := session.cognito.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: &pool})
		return err
	}
	me := "User: arn:aws:sts::" + s.account + ":assumed-role/people/CognitoIdentityCredentials is not authorized to perform: cognito-identity:"
	const noPolicy = " because no identity-based policy allows the cognito-identity:"
	noList := me + "ListIdentityPools on resource: arn:aws:cognito-identity:us-east-1:" + s.account + ":identitypool/" + noPolicy + "ListIdentityPools action"
	noDescribe := me + "DescribeIdentityPool on resource: " + *s.arn(pool)
	unmodelled(t, list(), "AccessDeniedException", noList)
	unmodelled(t, describe(), "AccessDeniedException", noDescribe+noPolicy+"DescribeIdentityPool action")
	s.do(t, "PutRolePolicy", map[string]any{"RoleName": "people", "PolicyName": "p", "PolicyDocument": allowing("cognito-identity:List*")})
	if err := list(); err != nil {
		t.Error(err)
	}
	unmodelled(t, describe(), "AccessDeniedException", noDescribe+noPolicy+"DescribeIdentityPool action")
	s.do(t, "PutRolePolicy", map[string]any{"RoleName": "people", "PolicyName": "p", "PolicyDocument": allowing("*")})
	if err := describe(); err != nil {
		t.Error(err)
	}
	s.do(t, "PutRolePolicy", map[string]any{"RoleName": "people", "PolicyName": "q", "PolicyDocument": denyAll})
	unmodelled(t, describe(), "AccessDeniedException", noDescribe+" with an explicit deny")
	if _, err := session.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil {
		t.Errorf("GetCallerIdentity cannot be denied: %v", err)
	}
}

// iamUsers follows the life of users, and shows what they cannot have here.
func iamUsers(t *testing.T, s *site) {
	ctx := t.Context()
	made, err := s.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Ann"), Path: aws.String("/staff/"), Tags: []iamtypes.Tag{{Key: aws.String("team"), Value: aws.String("a")}}})
	if err != nil {
		t.Fatal(err)
	}
	u := made.User
	if *u.Arn != "arn:aws:iam::"+s.account+":user/staff/Ann" || *u.Path != "/staff/" || *u.UserName != "Ann" || !principalIDForm.MatchString(*u.UserId) || u.CreateDate == nil || len(u.Tags) != 1 {
		t.Errorf("made %+v", *u)
	}
	get := func(name *string) *iamtypes.User {
		t.Helper()
		out, err := s.iam.GetUser(ctx, &iam.GetUserInput{UserName: name})
		if err != nil {
			t.Fatal(err)
		}
		return out.User
	}
	if got := get(aws.String("ann")); *got.Arn != *u.Arn || *got.UserId != *u.UserId {
		t.Errorf("got %+v", *got)
	}
	if got := get(nil); *got.Arn != "arn:aws:iam::"+s.account+":root" || *got.UserId != s.account || got.UserName != nil {
		t.Errorf("the caller is %+v", *got)
	}
	s.do(t, "CreateUser", map[string]any{"UserName": "bob"})
	s.do(t, "UpdateUser", map[string]any{"UserName": "bob", "NewUserName": "Bert", "NewPath": "/new/"})
	if got := get(aws.String("bert")); *got.Arn != "arn:aws:iam::"+s.account+":user/new/Bert" {
		t.Errorf("renamed to %s", *got.Arn)
	}
	var names []string
	for pages := iam.NewListUsersPaginator(s.iam, &iam.ListUsersInput{MaxItems: aws.Int32(1)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			names = append(names, *u.UserName)
		}
	}
	if want := []string{"Ann", "Bert"}; !slices.Equal(names, want) {
		t.Errorf("users %q, want %q", names, want)
	}
	for _, op := range []string{"ListGroupsForUser", "ListMFADevices", "ListSSHPublicKeys", "ListSigningCertificates", "ListServiceSpecificCredentials", "ListVirtualMFADevices"} {
		given := map[string]any{"UserName": "Ann"}
		out := s.do(t, op, given)
		for i := range out.NumField() {
			if f := out.Field(i); f.Kind() == reflect.Slice && (f.IsNil() || f.Len() > 0) {
				t.Errorf("%s: %v, want an empty list", op, f)
			}
		}
		if op == "ListVirtualMFADevices" {
			invalid(t, s.try(t, op, map[string]any{"MaxItems": 0}), "Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1")
			continue
		}
		given["UserName"] = "nobody"
		refused[*iamtypes.NoSuchEntityException](t, s.try(t, op, given), userOfIAMMissing("nobody"))
	}
	for _, op := range []string{"GetLoginProfile", "DeleteLoginProfile"} { // nobody has a password
		refused[*iamtypes.NoSuchEntityException](t, s.try(t, op, map[string]any{"UserName": "Ann"}), "Login Profile for User Ann cannot be found.")
	}
	for _, op := range []string{"GetUser", "UpdateUser", "DeleteUser"} {
		refused[*iamtypes.NoSuchEntityException](t, s.try(t, op, map[string]any{"UserName": "nobody"}), userOfIAMMissing("nobody"))
		unmodelled(t, s.try(t, op, map[string]any{"UserName": "no body"}), "ValidationError", "The specified value for userName"+badChars)
	}
	refused[*iamtypes.EntityAlreadyExistsException](t, s.try(t, "CreateUser", map[string]any{"UserName": "ANN"}), "User with name ANN already exists.")
	refused[*iamtypes.EntityAlreadyExistsException](t, s.try(t, "UpdateUser", map[string]any{"UserName": "Bert", "NewUserName": "ann"}), "User with name ann already exists.")
	invalid(t, s.try(t, "ListUsers", map[string]any{"MaxItems": 1001}), "Value '1001' at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 1000")

	key := s.do(t, "CreateAccessKey", map[string]any{"UserName": "Ann"}).FieldByName("AccessKey").Interface().(*iamtypes.AccessKey)
	del := map[string]any{"UserName": "Ann"}
	refused[*iamtypes.DeleteConflictException](t, s.try(t, "DeleteUser", del), "Cannot delete entity, must delete access keys first.")
	s.do(t, "DeleteAccessKey", map[string]any{"UserName": "Ann", "AccessKeyId": *key.AccessKeyId})
	s.do(t, "PutUserPolicy", map[string]any{"UserName": "Ann", "PolicyName": "p", "PolicyDocument": denyAll})
	refused[*iamtypes.DeleteConflictException](t, s.try(t, "DeleteUser", del), "Cannot delete entity, must delete policies first.")
	s.do(t, "DeleteUserPolicy", map[string]any{"UserName": "Ann", "PolicyName": "p"})
	s.do(t, "DeleteUser", del)
	refused[*iamtypes.NoSuchEntityException](t, s.try(t, "DeleteUser", del), userOfIAMMissing("Ann"))
}

func keyMissing(id string) string {
	return fmt.Sprintf("The Access Key with id %s cannot be found.", id)
}

// iamKeys follows the life of access keys. On a strict server they sign.
func iamKeys(t *testing.T, s *site) {
	ctx := t.Context()
	s.do(t, "CreateUser", map[string]any{"UserName": "Ann", "Path": "/staff/"})
	s.do(t, "CreateUser", map[string]any{"UserName": "bob"})
	s.do(t, "PutUserPolicy", map[string]any{"UserName": "Ann", "PolicyName": "p", "PolicyDocument": allowing("cognito-identity:ListIdentityPools", "iam:*AccessKey*")})
	made, err := s.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ann")})
	if err != nil {
		t.Fatal(err)
	}
	k := made.AccessKey
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(*k.AccessKeyId) || len(*k.SecretAccessKey) != 40 || *k.UserName != "Ann" || k.Status != iamtypes.StatusTypeActive || k.CreateDate == nil {
		t.Errorf("made a key of %s, %s, secret of %d characters", *k.UserName, k.Status, len(*k.SecretAccessKey))
	}
	status := func(want ...string) {
		t.Helper()
		var got []string
		for pages := iam.NewListAccessKeysPaginator(s.iam, &iam.ListAccessKeysInput{UserName: aws.String("Ann"), MaxItems: aws.Int32(1)}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range page.AccessKeyMetadata {
				got = append(got, *k.AccessKeyId+" "+string(k.Status))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("keys %q, want %q", got, want)
		}
	}
	status(*k.AccessKeyId + " Active")
	used, err := s.iam.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: k.AccessKeyId})
	if err != nil || *used.UserName != "Ann" || *used.AccessKeyLastUsed.ServiceName != "N/A" || *used.AccessKeyLastUsed.Region != "N/A" {
		t.Errorf("last used: %+v (%v)", used, err)
	}
	ann := s.host.clients(region, credentials.NewStaticCredentialsProvider(*k.AccessKeyId, *k.SecretAccessKey, ""), s.calls)
	who := func() error {
		me, err := ann.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err == nil && *me.Arn != "arn:aws:iam::"+s.account+":user/staff/Ann" {
			t.Errorf("the key makes %s", *me.Arn)
		}
		return err
	}
	if s.strict { // in development mode any key is root's
		if err := who(); err != nil {
			t.Error(err)
		}
		if _, err := ann.cognito.ListIdentityPools(ctx, &ci.ListIdentityPoolsInput{MaxResults: aws.Int32(1)}); err != nil {
			t.Error(err)
		}
		_, err := ann.iam.ListRoles(ctx, &iam.ListRolesInput{})
		unmodelled(t, err, "AccessDenied", "User: arn:aws:iam::"+s.account+":user/staff/Ann is not authorized to perform: iam:ListRoles on resource: * because no identity-based policy allows the iam:ListRoles action")
		own, err := ann.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{}) // its own, if it names nobody
		if err != nil || len(own.AccessKeyMetadata) != 1 || *own.AccessKeyMetadata[0].AccessKeyId != *k.AccessKeyId {
			t.Errorf("its own keys: %+v (%v)", own, err)
		}
	}
	update := func(status string) {
		t.Helper()
		s.do(t, "UpdateAccessKey", map[string]any{"UserName": "Ann", "AccessKeyId": *k.AccessKeyId, "Status": status})
	}
	update("Inactive")
	younger()
	second := s.do(t, "CreateAccessKey", map[string]any{"UserName": "Ann"}).FieldByName("AccessKey").Interface().(*iamtypes.AccessKey)
	status(*k.AccessKeyId+" Inactive", *second.AccessKeyId+" Active")
	if s.strict {
		unmodelled(t, who(), "InvalidClientTokenId", "The security token included in the request is invalid.")
		update("Active")
		if err := who(); err != nil {
			t.Error(err)
		}
	}
	refused[*iamtypes.LimitExceededException](t, s.try(t, "CreateAccessKey", map[string]any{"UserName": "Ann"}), "Cannot exceed quota for AccessKeysPerUser: 2")
	s.do(t, "DeleteAccessKey", map[string]any{"UserName": "Ann", "AccessKeyId": *k.AccessKeyId})
	status(*second.AccessKeyId + " Active")
	if s.strict {
		unmodelled(t, who(), "InvalidClientTokenId", "The security token included in the request is invalid.")
	}
	for _, test := range []struct {
		op    string
		given map[string]any
	}{
		{"DeleteAccessKey", map[string]any{"UserName": "Ann", "AccessKeyId": *k.AccessKeyId}},
		{"UpdateAccessKey", map[string]any{"UserName": "Ann", "AccessKeyId": *k.AccessKeyId, "Status": "Active"}},
		{"DeleteAccessKey", map[string]any{"UserName": "bob", "AccessKeyId": *second.AccessKeyId}}, // somebody else's
		{"GetAccessKeyLastUsed", map[string]any{"AccessKeyId": *k.AccessKeyId}},
	} {
		refused[*iamtypes.NoSuchEntityException](t, s.try(t, test.op, test.given), keyMissing(test.given["AccessKeyId"].(string)))
	}
	for _, op := range []string{"CreateAccessKey", "ListAccessKeys"} {
		refused[*iamtypes.NoSuchEntityException](t, s.try(t, op, map[string]any{"UserName": "nobody"}), userOfIAMMissing("nobody"))
	}
	invalid(t, s.try(t, "UpdateAccessKey", map[string]any{"AccessKeyId": "short", "Status": "On"}),
		"Value 'short' at 'accessKeyId' failed to satisfy constraint: Member must have length greater than or equal to 16",
		"Value 'On' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive, Expired]")
}
