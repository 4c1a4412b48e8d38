# What the server does not take. terraform_test.go wants each refusal told, at
# once and in the hosted service's words.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

resource "aws_cognito_identity_pool" "foreign" {
  identity_pool_name = "a SAML provider of another account"
  saml_provider_arns = ["arn:aws:iam::111122223333:saml-provider/staff"]
}

resource "aws_cognito_identity_pool" "bare" {
  identity_pool_name = "no provider"
}

resource "aws_cognito_identity_pool_roles_attachment" "bare" {
  identity_pool_id = aws_cognito_identity_pool.bare.id
  roles            = { authenticated = "arn:aws:iam::000000000000:role/shopper" }

  role_mapping {
    identity_provider         = "graph.facebook.com"
    type                      = "Token"
    ambiguous_role_resolution = "Deny"
  }
}

resource "aws_cognito_identity_pool_roles_attachment" "foreign" {
  identity_pool_id = aws_cognito_identity_pool.bare.id
  roles            = { authenticated = "arn:aws:iam::111122223333:role/shopper" }
}

resource "aws_cognito_identity_pool_provider_principal_tag" "bare" {
  identity_pool_id       = aws_cognito_identity_pool.bare.id
  identity_provider_name = "graph.facebook.com"
  principal_tags         = { user = "sub" }
}
