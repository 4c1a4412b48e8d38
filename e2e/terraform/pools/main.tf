# What terraform_test.go applies, changes, imports and destroys: a pool in every
# form, what hangs on it, and a user who may look at it. The endpoint and the credentials come from the
# environment.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  default_tags {
    tags = { by = "terraform" }
  }
}

variable "changed" {
  description = "the second version of everything that can change"
  type        = bool
  default     = false
}

locals {
  user_pool = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12Cd34E"
}

resource "aws_iam_openid_connect_provider" "login" {
  url             = "https://login.example.com/realms/shop"
  client_id_list  = var.changed ? ["web", "tv"] : ["web", "mobile"]
  thumbprint_list = [var.changed ? "1111111111111111111111111111111111111111" : "0000000000000000000000000000000000000000"]
  tags            = var.changed ? { team = "red", cost = "low" } : { team = "blue", stage = "test" }
}

resource "aws_iam_saml_provider" "staff" {
  name                   = "staff"
  saml_metadata_document = file("${path.module}/${var.changed ? "staff-next" : "staff"}.xml")
}

data "aws_iam_policy_document" "trust" {
  for_each = toset(["authenticated", "unauthenticated"])

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]

    principals {
      type        = "Federated"
      identifiers = ["cognito-identity.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "cognito-identity.amazonaws.com:aud"
      values   = [aws_cognito_identity_pool.full.id, aws_cognito_identity_pool.guests.id]
    }

    condition {
      test     = "ForAnyValue:StringLike"
      variable = "cognito-identity.amazonaws.com:amr"
      values   = [each.key]
    }
  }
}

resource "aws_iam_role" "pool" {
  for_each             = { admin = "authenticated", shopper = "authenticated", guest = "unauthenticated" }
  name                 = each.key
  path                 = "/shop/"
  description          = var.changed ? "changed" : "as made"
  max_session_duration = var.changed ? 7200 : 3600
  assume_role_policy   = data.aws_iam_policy_document.trust[each.value].json
  tags                 = { kind = each.value }
}

resource "aws_iam_role_policy" "guest" {
  name = "look"
  role = aws_iam_role.pool["guest"].name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = var.changed ? ["s3:GetObject", "s3:ListBucket"] : ["s3:GetObject"], Resource = "*" }]
  })
}

resource "aws_iam_policy" "shop" {
  name = "shop"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:PutObject"], Resource = var.changed ? "arn:aws:s3:::shop-2/*" : "arn:aws:s3:::shop/*" }]
  })
}

resource "aws_iam_role_policy_attachment" "shop" {
  role       = aws_iam_role.pool["shopper"].name
  policy_arn = aws_iam_policy.shop.arn
}

resource "aws_iam_user" "deployer" {
  name = "deployer"
  path = var.changed ? "/shop/" : "/"
  tags = { team = var.changed ? "red" : "blue" }
}

resource "aws_iam_access_key" "deployer" {
  user   = aws_iam_user.deployer.name
  status = var.changed ? "Inactive" : "Active"
}

resource "aws_iam_user_policy" "deployer" {
  name = "look"
  user = aws_iam_user.deployer.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "cognito-identity:${var.changed ? "Describe*" : "List*"}", Resource = "*" }]
  })
}

resource "aws_cognito_identity_pool" "guests" {
  identity_pool_name               = "guests only"
  allow_unauthenticated_identities = true
  allow_classic_flow               = var.changed
}

resource "aws_cognito_identity_pool" "full" {
  identity_pool_name               = "everything, at once"
  allow_unauthenticated_identities = var.changed
  allow_classic_flow               = !var.changed
  developer_provider_name          = "login.shop"
  openid_connect_provider_arns     = [aws_iam_openid_connect_provider.login.arn]
  saml_provider_arns               = var.changed ? [] : [aws_iam_saml_provider.staff.arn]

  cognito_identity_providers {
    provider_name           = local.user_pool
    client_id               = "7lhlkkfbfb4q5kpp90urffao"
    server_side_token_check = var.changed
  }

  dynamic "cognito_identity_providers" {
    for_each = var.changed ? [] : ["2pijfd01vukifnjdg1kdgmdhf0"]
    content {
      provider_name = local.user_pool
      client_id     = cognito_identity_providers.value
    }
  }

  supported_login_providers = var.changed ? {
    "graph.facebook.com" = "7346241598935552"
    } : {
    "graph.facebook.com"  = "7346241598935552"
    "accounts.google.com" = "123456789012.apps.googleusercontent.com"
  }

  tags = var.changed ? { team = "red", cost = "low" } : { team = "blue", stage = "test" }
}

resource "aws_cognito_identity_pool_roles_attachment" "full" {
  identity_pool_id = aws_cognito_identity_pool.full.id

  roles = {
    authenticated   = aws_iam_role.pool["shopper"].arn
    unauthenticated = aws_iam_role.pool["guest"].arn
  }

  role_mapping {
    identity_provider         = "${local.user_pool}:7lhlkkfbfb4q5kpp90urffao"
    type                      = "Token"
    ambiguous_role_resolution = var.changed ? "Deny" : "AuthenticatedRole"
  }

  role_mapping {
    identity_provider         = aws_iam_openid_connect_provider.login.arn
    type                      = "Rules"
    ambiguous_role_resolution = "Deny"

    mapping_rule {
      claim      = "groups"
      match_type = "Contains"
      role_arn   = aws_iam_role.pool["admin"].arn
      value      = var.changed ? "owners" : "admins"
    }

    mapping_rule {
      claim      = "email"
      match_type = "StartsWith"
      role_arn   = aws_iam_role.pool["shopper"].arn
      value      = "shop-"
    }
  }
}

resource "aws_cognito_identity_pool_provider_principal_tag" "login" {
  identity_pool_id       = aws_cognito_identity_pool.full.id
  identity_provider_name = aws_iam_openid_connect_provider.login.arn
  use_defaults           = false
  principal_tags         = var.changed ? { department = "dept" } : { department = "dept", user = "sub" }
}

resource "aws_cognito_identity_pool_provider_principal_tag" "user_pool" {
  identity_pool_id       = aws_cognito_identity_pool.full.id
  identity_provider_name = local.user_pool
  use_defaults           = true
}

resource "aws_cognito_identity_pool_roles_attachment" "guests" {
  identity_pool_id = aws_cognito_identity_pool.guests.id
  roles            = { unauthenticated = aws_iam_role.pool["guest"].arn }
}

# Enough pools for a second page of the data source below, which asks for 20.
resource "aws_cognito_identity_pool" "many" {
  count              = 20
  identity_pool_name = "many ${count.index}"
}

resource "aws_cognito_identity_pool" "last" {
  identity_pool_name      = var.changed ? "last, renamed" : "last" # another name is another pool
  developer_provider_name = "login.last"
  depends_on              = [aws_cognito_identity_pool.many]
}

data "aws_cognito_identity_pool" "last" {
  identity_pool_name = aws_cognito_identity_pool.last.identity_pool_name
}

output "last" {
  value = data.aws_cognito_identity_pool.last.developer_provider_name
}
