package policy

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Managed is a policy that AWS keeps for every account under the account "aws".
type Managed struct {
	Name        string
	ID          string // ANPA and 17 characters
	Version     string // the one in force; others are not kept
	Description string
	Document    string
	Created     time.Time
	Updated     time.Time
}

// ARN is the policy's ARN.
func (m Managed) ARN() string { return managedPrefix + m.Name }

const managedPrefix = "arn:aws:iam::aws:policy/"

// FindAWSManaged returns the policy of an ARN such as
// "arn:aws:iam::aws:policy/ReadOnlyAccess", and whether it is one of those that
// are known here: the few that people give to the roles of identity pools and to
// those who manage them.
func FindAWSManaged(arn string) (Managed, bool) {
	name, ok := strings.CutPrefix(arn, managedPrefix)
	i := slices.IndexFunc(managed, func(m Managed) bool { return m.Name == name })
	if !ok || i < 0 {
		return Managed{}, false
	}
	return managed[i], true
}

// AWSManaged is the document of a managed policy of AWS, and whether there is
// one of that ARN here.
func AWSManaged(arn string) (document string, ok bool) {
	m, ok := FindAWSManaged(arn)
	return m.Document, ok
}

// AWSManagedARNs are the ARNs of the managed policies of AWS, sorted.
func AWSManagedARNs() []string {
	var arns []string
	for _, m := range managed {
		arns = append(arns, m.ARN())
	}
	return arns
}

// GuestScope is the session policy that the hosted service puts on guests in the
// enhanced flow, beside AmazonCognitoUnAuthedIdentitiesSessionPolicy (Amazon
// Cognito Developer Guide, "Services that guests can access").
var GuestScope = document(allow(`cloudwatch:* logs:* dynamodb:* kinesis:* mobileanalytics:* s3:* ses:* sns:* sqs:* lambda:* machinelearning:*
	execute-api:* iot:* gamelift:* cognito-identity:* cognito-idp:* lex:* polly:* comprehend:* translate:* transcribe:* rekognition:*
	mobiletargeting:* firehose:* appsync:* personalize:* sagemaker:InvokeEndpoint cognito-sync:* codewhisperer:* textract:DetectDocumentText
	textract:AnalyzeDocument sdb:*`))

// managed are the policies as AWS published them by April 2026. ReadOnlyAccess is
// 88,000 characters long there; here it keeps what is about identities and S3.
var managed = []Managed{
	{"AdministratorAccess", "ANPAIWMBCKSKIEE64ZLYK", "v1",
		"Provides full access to AWS services and resources.",
		document(allow("*")), on("2015-02-06T18:39:46Z"), on("2015-02-06T18:39:46Z")},
	{"AmazonCognitoDeveloperAuthenticatedIdentities", "ANPAIQOKZ5BGKLCMTXH4W", "v1",
		"Provides access to Amazon Cognito APIs to support developer authenticated identities from your authentication backend.",
		document(allow(`cognito-identity:GetOpenIdTokenForDeveloperIdentity cognito-identity:LookupDeveloperIdentity
			cognito-identity:MergeDeveloperIdentities cognito-identity:UnlinkDeveloperIdentity`)),
		on("2015-03-24T17:22:23Z"), on("2015-03-24T17:22:23Z")},
	{"AmazonCognitoPowerUser", "ANPAJKW5H2HNCPGCYGR6Y", "v9",
		"Provides administrative access to existing Amazon Cognito resources. You will need AWS account administrator privileges to create new Cognito resources.",
		document(allow(`cognito-identity:* cognito-idp:* cognito-sync:* iam:ListRoles iam:ListOpenIdConnectProviders iam:GetRole iam:ListSAMLProviders
			iam:GetSAMLProvider kinesis:ListStreams lambda:GetPolicy lambda:ListFunctions sns:GetSMSSandboxAccountStatus sns:ListPlatformApplications
			ses:ListIdentities ses:GetIdentityVerificationAttributes mobiletargeting:GetApps acm:ListCertificates sms-voice:DescribeAccountAttributes`),
			`{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole","Resource":"*","Condition":{"StringEquals":{"iam:AWSServiceName":["cognito-idp.amazonaws.com","email.cognito-idp.amazonaws.com"]}}}`,
			`{"Effect":"Allow","Action":["iam:DeleteServiceLinkedRole","iam:GetServiceLinkedRoleDeletionStatus"],"Resource":["arn:aws:iam::*:role/aws-service-role/cognito-idp.amazonaws.com/AWSServiceRoleForAmazonCognitoIdp*","arn:aws:iam::*:role/aws-service-role/email.cognito-idp.amazonaws.com/AWSServiceRoleForAmazonCognitoIdpEmail*"]}`),
		on("2015-03-24T17:14:56Z"), on("2026-02-12T18:00:09Z")},
	{"AmazonCognitoReadOnly", "ANPAJBFTRZD2GQGJHSVQK", "v4",
		"Provides read only access to Amazon Cognito resources.",
		document(allow(`cognito-identity:Describe* cognito-identity:Get* cognito-identity:List* cognito-idp:Describe* cognito-idp:AdminGet*
			cognito-idp:AdminList* cognito-idp:List* cognito-idp:Get* cognito-sync:Describe* cognito-sync:Get* cognito-sync:List*
			iam:ListOpenIdConnectProviders iam:ListRoles sns:ListPlatformApplications`)),
		on("2015-03-24T17:06:46Z"), on("2019-08-01T19:21:04Z")},
	{"AmazonCognitoUnAuthedIdentitiesSessionPolicy", "ANPAUNAUTHEDIDENTITIE", "v3", // the ID is ours
		"The permissions that are allowed for unauthenticated identities of Cognito identity pools.",
		document(`{"Sid":"CognitoUnAuthedIdentitiesSessionPolicy",` + allow(`rum:PutRumEvents sagemaker:InvokeEndpoint polly:* comprehend:* translate:* transcribe:*
			rekognition:* mobiletargeting:* firehose:* personalize:* geo:GetMap* geo:SearchPlaceIndex* geo:GetPlace geo:CalculateRoute* geo:*Geofence
			geo:*Geofences geo:*DevicePosition* kms:Encrypt kms:Decrypt kms:ReEncryptTo kms:ReEncryptFrom kms:GenerateDataKey kms:GenerateDataKeyPair
			kms:GenerateDataKeyPairWithoutPlaintext kms:GenerateDataKeyWithoutPlaintext`)[1:]),
		on("2023-07-19T23:04:05Z"), on("2024-11-01T18:12:44Z")},
	{"AmazonS3FullAccess", "ANPAIFIR6V6BVTRAHWINE", "v2",
		"Provides full access to all buckets via the AWS Management Console.",
		document(allow("s3:* s3-object-lambda:*")), on("2015-02-06T18:40:58Z"), on("2021-09-27T20:16:37Z")},
	{"AmazonS3ReadOnlyAccess", "ANPAIZTJ4DXE7G6AGAE6M", "v3",
		"Provides read only access to all buckets via the AWS Management Console.",
		document(allow("s3:Get* s3:List* s3:Describe* s3-object-lambda:Get* s3-object-lambda:List*")),
		on("2015-02-06T18:40:59Z"), on("2023-08-10T21:31:39Z")},
	{"IAMFullAccess", "ANPAI7XKCFMBPM3QQRRVQ", "v2",
		"Provides full access to IAM via the AWS Management Console.",
		document(allow(`iam:* organizations:DescribeAccount organizations:DescribeOrganization organizations:DescribeOrganizationalUnit
			organizations:DescribePolicy organizations:ListChildren organizations:ListParents organizations:ListPoliciesForTarget
			organizations:ListRoots organizations:ListPolicies organizations:ListTargetsForPolicy`)),
		on("2015-02-06T18:40:38Z"), on("2019-06-21T19:40:00Z")},
	{"IAMReadOnlyAccess", "ANPAJKSO7NDY4T57MWDSQ", "v4",
		"Provides read only access to IAM via the AWS Management Console.",
		document(allow(`iam:GenerateCredentialReport iam:GenerateServiceLastAccessedDetails iam:Get* iam:List* iam:SimulateCustomPolicy
			iam:SimulatePrincipalPolicy`)),
		on("2015-02-06T18:40:39Z"), on("2018-01-25T19:11:27Z")},
	{"PowerUserAccess", "ANPAJYRXTHIB4FOVS3ZXS", "v12",
		"Provides full access to AWS services and resources, but does not allow management of Users and groups.",
		document(`{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"}`,
			allow(`account:GetAccountInformation account:GetGovCloudAccountInformation account:GetPrimaryEmail account:ListRegions
			iam:CreateServiceLinkedRole iam:DeleteServiceLinkedRole iam:ListRoles organizations:DescribeEffectivePolicy organizations:DescribeOrganization`)),
		on("2015-02-06T18:39:47Z"), on("2026-02-12T17:59:14Z")},
	{"ReadOnlyAccess", "ANPAILL3HVNFSB6DCOWYQ", "v182",
		"Provides read-only access to AWS services and resources.",
		document(allow(`cognito-identity:Describe* cognito-identity:Get* cognito-identity:List* cognito-identity:Lookup* cognito-idp:AdminGet*
			cognito-idp:AdminList* cognito-idp:Describe* cognito-idp:Get* cognito-idp:List* cognito-sync:Describe* cognito-sync:Get* cognito-sync:List*
			iam:Generate* iam:Get* iam:List* iam:Simulate* s3:Describe* s3:Get* s3:List* sts:GetAccessKeyInfo sts:GetCallerIdentity sts:GetSessionToken`)),
		on("2015-02-06T18:39:48Z"), on("2026-04-03T15:27:12Z")},
}

// allow is a statement that allows actions, separated by white space, on
// everything.
func allow(actions string) string {
	list, _ := json.Marshal(strings.Fields(actions))
	if !bytes.ContainsRune(list, ',') {
		list = bytes.Trim(list, "[]") // as AWS writes one
	}
	return `{"Effect":"Allow","Action":` + string(list) + `,"Resource":"*"}`
}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func on(moment string) time.Time {
	t, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		panic("policy: " + err.Error()) // a constant above is misspelled
	}
	return t
}
