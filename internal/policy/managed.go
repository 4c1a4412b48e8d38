package policy

import (
	"maps"
	"slices"
)

// awsManaged are the policies of AWS that people attach to the roles and users
// of this server, with the names of AWS. Where AWS's document names actions of
// many services, ours names those that exist here or at an S3 store.
var awsManaged = map[string]string{
	"AdministratorAccess": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
	"PowerUserAccess": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},` +
		`{"Effect":"Allow","Action":["iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles"],"Resource":"*"}]}`,
	"ReadOnlyAccess": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cognito-identity:Describe*","cognito-identity:Get*","cognito-identity:List*",` +
		`"cognito-identity:Lookup*","iam:Generate*","iam:Get*","iam:List*","iam:Simulate*","s3:Get*","s3:List*","sts:GetAccessKeyInfo","sts:GetCallerIdentity","sts:GetSessionToken"],"Resource":"*"}]}`,
	"IAMFullAccess":     `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:*"],"Resource":"*"}]}`,
	"IAMReadOnlyAccess": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:Generate*","iam:Get*","iam:List*","iam:Simulate*"],"Resource":"*"}]}`,
	"AmazonCognitoPowerUser": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cognito-identity:*","cognito-idp:*","cognito-sync:*","iam:ListRoles",` +
		`"iam:ListOpenIDConnectProviders","iam:GetRole","iam:ListSAMLProviders"],"Resource":"*"}]}`,
	"AmazonCognitoReadOnly": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cognito-identity:Describe*","cognito-identity:Get*","cognito-identity:List*",` +
		`"cognito-idp:Describe*","cognito-idp:Get*","cognito-idp:List*","cognito-sync:Describe*","cognito-sync:Get*","cognito-sync:List*","iam:ListOpenIDConnectProviders","iam:ListRoles"],"Resource":"*"}]}`,
	"AmazonCognitoDeveloperAuthenticatedIdentities": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cognito-identity:GetOpenIdTokenForDeveloperIdentity",` +
		`"cognito-identity:LookupDeveloperIdentity","cognito-identity:MergeDeveloperIdentities","cognito-identity:UnlinkDeveloperIdentity"],"Resource":"*"}]}`,
	"AmazonS3FullAccess":     `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","s3-object-lambda:*"],"Resource":"*"}]}`,
	"AmazonS3ReadOnlyAccess": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*","s3:Describe*","s3-object-lambda:Get*","s3-object-lambda:List*"],"Resource":"*"}]}`,
	"AmazonCognitoUnAuthedIdentitiesSessionPolicy": `{"Version":"2012-10-17","Statement":[{"Sid":"CognitoUnAuthedIdentitiesSessionPolicy","Effect":"Allow","Action":[` +
		`"rum:PutRumEvents","sagemaker:InvokeEndpoint","polly:*","comprehend:*","translate:*","transcribe:*","rekognition:*","mobiletargeting:*","firehose:*","personalize:*",` +
		`"geo:GetMap*","geo:SearchPlaceIndex*","geo:GetPlace","geo:CalculateRoute*","geo:*Geofence","geo:*Geofences","geo:*DevicePosition*",` +
		`"kms:Encrypt","kms:Decrypt","kms:ReEncryptTo","kms:ReEncryptFrom","kms:GenerateDataKey","kms:GenerateDataKeyPair","kms:GenerateDataKeyPairWithoutPlaintext","kms:GenerateDataKeyWithoutPlaintext"],"Resource":"*"}]}`,
}

const awsManagedARN = "arn:aws:iam::aws:policy/"

// AWSManaged is the document of a managed policy of AWS, and whether there is
// one of that ARN here.
func AWSManaged(arn string) (document string, ok bool) {
	if len(arn) <= len(awsManagedARN) || arn[:len(awsManagedARN)] != awsManagedARN {
		return "", false
	}
	document, ok = awsManaged[arn[len(awsManagedARN):]]
	return document, ok
}

// AWSManagedARNs are the ARNs of the managed policies of AWS, sorted.
func AWSManagedARNs() []string {
	var arns []string
	for _, name := range slices.Sorted(maps.Keys(awsManaged)) {
		arns = append(arns, awsManagedARN+name)
	}
	return arns
}

// GuestScope is the session policy that the hosted service puts on guests in the
// enhanced flow, beside AmazonCognitoUnAuthedIdentitiesSessionPolicy (Amazon
// Cognito Developer Guide, "Services that guests can access").
const GuestScope = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudwatch:*","logs:*","dynamodb:*","kinesis:*","mobileanalytics:*","s3:*","ses:*","sns:*","sqs:*","lambda:*",` +
	`"machinelearning:*","execute-api:*","iot:*","gamelift:*","cognito-identity:*","cognito-idp:*","lex:*","polly:*","comprehend:*","translate:*","transcribe:*","rekognition:*","mobiletargeting:*",` +
	`"firehose:*","appsync:*","personalize:*","sagemaker:InvokeEndpoint","cognito-sync:*","codewhisperer:*","textract:DetectDocumentText","textract:AnalyzeDocument","sdb:*"],"Resource":"*"}]}`
