"""boto3 against a running server: every operation, for real.

Run by clients_test.go, which passes ENDPOINT and ISSUER.
"""
import base64
import hashlib
import json
import os
import unittest
import urllib.parse
import urllib.request

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT, ISSUER = os.environ["ENDPOINT"], os.environ["ISSUER"]
ACCOUNT = "000000000000"
PROVIDER = ISSUER.removeprefix("http://")
PROVIDER_ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{PROVIDER}"
ROLES = {kind: f"arn:aws:iam::{ACCOUNT}:role/path/{kind}" for kind in ("authenticated", "unauthenticated")}
NOBODY = "us-east-1:00000000-0000-4000-8000-000000000000"


def client(name, region="us-east-1", **more):
    config = Config(retries={"total_max_attempts": 1}, **more)
    return boto3.client(name, endpoint_url=ENDPOINT, region_name=region, config=config)


pools = client("cognito-identity")
anonymous = client("cognito-identity", signature_version=UNSIGNED)


def mint(sub, app="web"):
    query = urllib.parse.urlencode({"sub": sub, "client": app})
    with urllib.request.urlopen(f"{ISSUER}/mint?{query}") as answer:
        return json.load(answer)["id_token"]


def dev_token(sub, **more):
    """A token of the server's own development issuer."""
    body = json.dumps({"sub": sub, "aud": "web", **more}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{ENDPOINT}/dev/token", body)) as answer:
        return json.load(answer)["id_token"]


DEV = ENDPOINT.removeprefix("http://") + "/dev"
DEV_ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{DEV}"


def document(address):
    with urllib.request.urlopen(address) as answer:
        return json.load(answer)


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(token, keys):
    """Checks an RS512 signature with arithmetic alone (RFC 8017, 8.2.2) and returns header and claims."""
    signed, _, signature = token.rpartition(".")
    header, claims = (json.loads(unbase64(part)) for part in signed.split("."))
    key = next(k for k in keys["keys"] if k["kid"] == header["kid"])
    n, e = (int.from_bytes(unbase64(key[part]), "big") for part in "ne")
    size = (n.bit_length() + 7) // 8
    digest = bytes.fromhex("3051300d060960864801650304020305000440") + hashlib.sha512(signed.encode()).digest()
    padded = b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest
    assert pow(int.from_bytes(unbase64(signature), "big"), e, n).to_bytes(size, "big") == padded, "the signature is wrong"
    return header, claims


def make_pool(**settings):
    settings = {"IdentityPoolName": "py", "AllowUnauthenticatedIdentities": True, "OpenIdConnectProviderARNs": [PROVIDER_ARN], **settings}
    pool = pools.create_identity_pool(**settings)["IdentityPoolId"]
    pools.set_identity_pool_roles(IdentityPoolId=pool, Roles=ROLES)
    return pool


def get_id(pool, token=None):
    return anonymous.get_id(IdentityPoolId=pool, Logins={PROVIDER: token} if token else {})["IdentityId"]


class Case(unittest.TestCase):
    maxDiff = None

    def refused(self, code, message, call, **kwargs):
        with self.assertRaises(ClientError) as caught:
            call(**kwargs)
        error = caught.exception.response["Error"]
        self.assertEqual((code, message), (error["Code"], error["Message"]))


class Pools(Case):
    def test_life(self):
        made = pools.create_identity_pool(IdentityPoolName="a b", AllowUnauthenticatedIdentities=False, IdentityPoolTags={"a": "1"})
        pool = made["IdentityPoolId"]
        made.pop("ResponseMetadata")
        self.assertEqual({"IdentityPoolId": pool, "IdentityPoolName": "a b", "AllowUnauthenticatedIdentities": False, "IdentityPoolTags": {"a": "1"}}, made)
        described = pools.describe_identity_pool(IdentityPoolId=pool)
        described.pop("ResponseMetadata")
        self.assertEqual(made, described)
        updated = pools.update_identity_pool(**{**described, "AllowClassicFlow": False})
        self.assertIs(updated["AllowClassicFlow"], False)
        arn = f"arn:aws:cognito-identity:us-east-1:{ACCOUNT}:identitypool/{pool}"
        pools.tag_resource(ResourceArn=arn, Tags={"b": "2"})
        pools.untag_resource(ResourceArn=arn, TagKeys=["a"])
        self.assertEqual({"b": "2"}, pools.list_tags_for_resource(ResourceArn=arn)["Tags"])
        self.assertNotIn("Roles", pools.get_identity_pool_roles(IdentityPoolId=pool))
        pools.set_identity_pool_roles(IdentityPoolId=pool, Roles=ROLES)
        self.assertEqual(ROLES, pools.get_identity_pool_roles(IdentityPoolId=pool)["Roles"])
        pools.delete_identity_pool(IdentityPoolId=pool)
        gone = f"IdentityPool '{pool}' not found."
        for call in (pools.describe_identity_pool, pools.delete_identity_pool, pools.get_identity_pool_roles):
            self.refused("ResourceNotFoundException", gone, call, IdentityPoolId=pool)
        self.refused("ResourceNotFoundException", gone, pools.list_tags_for_resource, ResourceArn=arn)

    def test_paginator(self):
        regional = client("cognito-identity", "ap-northeast-1")
        made = [regional.create_identity_pool(IdentityPoolName=f"p{i}", AllowUnauthenticatedIdentities=False)["IdentityPoolId"] for i in range(61)]
        for size in (1, 2, 20, 59, 60):
            pages = regional.get_paginator("list_identity_pools").paginate(PaginationConfig={"PageSize": size})
            self.assertEqual(made, [p["IdentityPoolId"] for page in pages for p in page["IdentityPools"]], f"page size {size}")
        # Whoever goes on after a change sees what stayed exactly once.
        first = regional.list_identity_pools(MaxResults=30)
        for pool in (made[0], made[29], made[30], made[60]):
            regional.delete_identity_pool(IdentityPoolId=pool)
        rest = regional.list_identity_pools(MaxResults=60, NextToken=first["NextToken"])
        self.assertEqual(made[31:60], [p["IdentityPoolId"] for p in rest["IdentityPools"]])
        self.assertNotIn("NextToken", rest)
        self.refused("InvalidParameterException", "The NextToken is not valid.", regional.list_identity_pools, MaxResults=1, NextToken="x" + first["NextToken"][1:])

    def test_constraints(self):
        loose = client("cognito-identity", parameter_validation=False)
        pattern = r"Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+"
        self.refused("ValidationException", f"1 validation error detected: Value 'us-east-1:MOCK' at 'identityPoolId' failed to satisfy constraint: {pattern}",
                     loose.describe_identity_pool, IdentityPoolId="us-east-1:MOCK")
        self.refused("ValidationException", "2 validation errors detected: Value null at 'identityPoolName' failed to satisfy constraint: Member must not be null; "
                     "Value null at 'allowUnauthenticatedIdentities' failed to satisfy constraint: Member must not be null", loose.create_identity_pool)
        self.refused("InvalidParameterException", "Invalid Cognito Identity Provider", pools.create_identity_pool, IdentityPoolName="x",
                     AllowUnauthenticatedIdentities=True, CognitoIdentityProviders=[{"ClientId": "abc"}])
        arn = "arn:us-east-1:iam::000000000000:saml-provider/x"
        self.refused("NotAuthorizedException", f"Identity provider {arn} is not valid for account {ACCOUNT}", pools.create_identity_pool,
                     IdentityPoolName="x", AllowUnauthenticatedIdentities=True, SamlProviderARNs=[arn])

    def test_another_account_sees_nothing(self):
        pool = make_pool()
        other = boto3.client("cognito-identity", endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="111122223333", aws_secret_access_key="x")
        self.refused("ResourceNotFoundException", f"IdentityPool '{pool}' not found.", other.describe_identity_pool, IdentityPoolId=pool)
        self.assertEqual([], other.list_identity_pools(MaxResults=60)["IdentityPools"])
        person = get_id(pool)
        self.refused("ResourceNotFoundException", f"Identity '{person}' not found.", other.describe_identity, IdentityId=person)
        self.assertEqual([{"IdentityId": person, "ErrorCode": "AccessDenied"}], other.delete_identities(IdentityIdsToDelete=[person])["UnprocessedIdentityIds"])


class People(Case):
    def test_sign_in(self):
        pool, token = make_pool(), mint("alice")
        logins = {PROVIDER: token}
        person = get_id(pool, token)
        self.assertEqual(person, get_id(pool, mint("alice", "mobile")))
        answer = anonymous.get_credentials_for_identity(IdentityId=person, Logins=logins)
        self.assertEqual(person, answer["IdentityId"])
        keys = answer["Credentials"]
        self.assertRegex(keys["AccessKeyId"], "^ASIA[A-Z2-7]{16}$")
        self.assertEqual(40, len(keys["SecretKey"]))
        session = boto3.client("sts", endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id=keys["AccessKeyId"],
                               aws_secret_access_key=keys["SecretKey"], aws_session_token=keys["SessionToken"])
        self.assertEqual(f"arn:aws:sts::{ACCOUNT}:assumed-role/authenticated/CognitoIdentityCredentials", session.get_caller_identity()["Arn"])
        token = anonymous.get_open_id_token(IdentityId=person, Logins=logins)["Token"]
        assumed = client("sts", signature_version=UNSIGNED).assume_role_with_web_identity(RoleArn=ROLES["authenticated"], RoleSessionName="py", WebIdentityToken=token)
        self.assertEqual(person, assumed["SubjectFromWebIdentityToken"])
        self.assertEqual([PROVIDER], pools.describe_identity(IdentityId=person)["Logins"])
        listed = pools.list_identities(IdentityPoolId=pool, MaxResults=60)
        self.assertEqual([person], [i["IdentityId"] for i in listed["Identities"]])
        anonymous.unlink_identity(IdentityId=person, Logins=logins, LoginsToRemove=[PROVIDER])
        self.refused("NotAuthorizedException", f"Access to Identity '{person}' is forbidden.", anonymous.get_open_id_token, IdentityId=person, Logins=logins)
        self.assertEqual([], pools.list_identities(IdentityPoolId=pool, MaxResults=60, HideDisabled=True)["Identities"])

    def test_guest(self):
        pool = make_pool()
        guest = get_id(pool)
        self.assertNotIn("Logins", pools.describe_identity(IdentityId=guest))
        token = mint("bob")
        self.assertEqual(guest, anonymous.get_credentials_for_identity(IdentityId=guest, Logins={PROVIDER: token})["IdentityId"])
        self.assertEqual(guest, get_id(pool, token))
        self.refused("NotAuthorizedException", f"Access to Identity '{guest}' is forbidden.", anonymous.get_credentials_for_identity, IdentityId=guest)
        self.assertEqual([], pools.delete_identities(IdentityIdsToDelete=[guest, NOBODY])["UnprocessedIdentityIds"])
        self.refused("ResourceNotFoundException", f"Identity '{guest}' not found.", anonymous.get_credentials_for_identity, IdentityId=guest)

    def test_our_tokens_verify(self):
        """Whoever knows only our discovery document can check our tokens."""
        found = document(f"{ENDPOINT}/.well-known/openid-configuration")
        self.assertEqual((ENDPOINT, ["RS512"], ["public"]), (found["issuer"], found["id_token_signing_alg_values_supported"], found["subject_types_supported"]))
        keys = document(found["jwks_uri"])
        self.assertEqual(keys, document(f"{ENDPOINT}/.well-known/jwks.json"))
        self.assertEqual([{"kty": "RSA", "alg": "RS512", "use": "sig"}], [{name: key[name] for name in ("kty", "alg", "use")} for key in keys["keys"]])
        pool = make_pool()
        guest = get_id(pool)
        header, claims = verify(anonymous.get_open_id_token(IdentityId=guest)["Token"], keys)
        self.assertEqual({"alg": "RS512", "typ": "JWS", "kid": "us-east-11"}, header)
        self.assertEqual(600, claims.pop("exp") - claims.pop("iat"))
        self.assertEqual({"sub": guest, "aud": pool, "amr": ["unauthenticated"], "iss": ENDPOINT,
                          "https://cognito-identity.amazonaws.com/identity-pool-arn": f"arn:aws:cognito-identity:us-east-1:{ACCOUNT}:identitypool/{pool}"}, claims)

    def test_two_providers(self):
        """One person with two logins; two people's logins do not mix."""
        pool = make_pool(OpenIdConnectProviderARNs=[PROVIDER_ARN, DEV_ARN])
        ann, dev_ann = mint("ann"), dev_token("ann")
        both = {PROVIDER: ann, DEV: dev_ann}
        person = get_id(pool, ann)
        self.assertEqual(person, anonymous.get_id(IdentityPoolId=pool, Logins=both)["IdentityId"])
        self.assertEqual(person, anonymous.get_id(IdentityPoolId=pool, Logins={DEV: dev_ann})["IdentityId"])
        self.assertEqual(sorted(both), sorted(pools.describe_identity(IdentityId=person)["Logins"]))
        _, claims = verify(anonymous.get_open_id_token(IdentityId=person, Logins=both)["Token"], document(f"{ENDPOINT}/.well-known/jwks_uri"))
        self.assertEqual("authenticated", claims["amr"][0])
        self.assertEqual({PROVIDER, f"{PROVIDER_ARN}:OIDC:ann", DEV, f"{DEV_ARN}:OIDC:ann"}, set(claims["amr"][1:]))
        # Ben is somebody else at the first provider: his login cannot join Ann's.
        self.refused("ResourceConflictException", "Logins are already linked to another account.", anonymous.get_credentials_for_identity,
                     IdentityId=person, Logins={PROVIDER: mint("ben"), DEV: dev_ann})
        # Two identities of one person become one; the older stays.
        cleo, dev_cleo = mint("cleo"), dev_token("cleo")
        older, younger = get_id(pool, cleo), anonymous.get_id(IdentityPoolId=pool, Logins={DEV: dev_cleo})["IdentityId"]
        self.assertNotEqual(older, younger)
        self.assertEqual(older, anonymous.get_id(IdentityPoolId=pool, Logins={PROVIDER: cleo, DEV: dev_cleo})["IdentityId"])
        self.assertEqual(older, anonymous.get_id(IdentityPoolId=pool, Logins={DEV: dev_cleo})["IdentityId"])
        self.refused("NotAuthorizedException", f"Access to Identity '{younger}' is forbidden.", anonymous.get_open_id_token, IdentityId=younger, Logins={DEV: dev_cleo})
        # One bad token spoils the call, whatever the other proves.
        self.refused("NotAuthorizedException", "Invalid login token. Not a valid OpenId Connect identity token.", anonymous.get_id,
                     IdentityPoolId=pool, Logins={PROVIDER: ann, DEV: "nonsense"})
        # Unlinked, a login is a new person's; the other still opens the old identity.
        anonymous.unlink_identity(IdentityId=person, Logins={PROVIDER: ann}, LoginsToRemove=[DEV])
        self.assertEqual([PROVIDER], pools.describe_identity(IdentityId=person)["Logins"])
        self.assertNotEqual(person, anonymous.get_id(IdentityPoolId=pool, Logins={DEV: dev_ann})["IdentityId"])

    def test_regions(self):
        """A public call finds a pool of any region by its ID; a signed one only its own region's."""
        pool = client("cognito-identity", "eu-central-1").create_identity_pool(IdentityPoolName="far", AllowUnauthenticatedIdentities=True)["IdentityPoolId"]
        self.assertTrue(pool.startswith("eu-central-1:"))
        guest = get_id(pool)
        self.assertTrue(guest.startswith("eu-central-1:"))
        self.refused("ResourceNotFoundException", f"IdentityPool '{pool}' not found.", pools.describe_identity_pool, IdentityPoolId=pool)
        self.refused("ResourceNotFoundException", f"Identity '{guest}' not found.", pools.describe_identity, IdentityId=guest)

    def test_identities_are_paged(self):
        pool = make_pool()
        made = [get_id(pool) for _ in range(7)]
        seen, more = [], {}
        while True:
            page = pools.list_identities(IdentityPoolId=pool, MaxResults=3, **more)
            seen += [i["IdentityId"] for i in page["Identities"]]
            if "NextToken" not in page:
                break
            more = {"NextToken": page["NextToken"]}
        self.assertEqual(sorted(made), seen)
        self.refused("InvalidParameterException", "The NextToken is not valid.", pools.list_identities, IdentityPoolId=make_pool(), MaxResults=3, **more)

    def test_refusals(self):
        pool, token = make_pool(), mint("eve")
        head, _, tail = token.rpartition(".")
        other = base64.urlsafe_b64encode(bytes(b ^ 1 for b in unbase64(tail))).decode().rstrip("=")
        self.refused("NotAuthorizedException", "Invalid login token. Couldn't verify signed token.", get_id, pool=pool, token=head + "." + other)
        self.refused("NotAuthorizedException", "Invalid login token. Not a valid OpenId Connect identity token.", get_id, pool=pool, token="nonsense")
        self.refused("NotAuthorizedException", "Unauthenticated access is not supported for this identity pool.", get_id,
                     pool=make_pool(AllowUnauthenticatedIdentities=False))
        pool = make_pool(OpenIdConnectProviderARNs=[DEV_ARN])
        with self.assertRaises(ClientError) as caught:
            anonymous.get_id(IdentityPoolId=pool, Logins={DEV: dev_token("eve", expires_in=-3600)})
        self.assertRegex(caught.exception.response["Error"]["Message"], r"^Invalid login token\. Token expired: \d{10} >= \d{10}$")
        self.assertEqual([], pools.list_identities(IdentityPoolId=pool, MaxResults=1)["Identities"])


class IAM(Case):
    def test_providers(self):
        iam = client("iam")
        arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/login.example.com/realm"
        made = iam.create_open_id_connect_provider(Url="https://login.example.com/realm?x=1", ClientIDList=["a", "a", "b"], ThumbprintList=[])
        self.assertEqual(arn, made["OpenIDConnectProviderArn"])
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="c")
        iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="a")
        iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["0" * 40])
        held = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        self.assertEqual(("login.example.com/realm", ["b", "c"], ["0" * 40], []), (held["Url"], held["ClientIDList"], held["ThumbprintList"], held["Tags"]))
        self.refused("InvalidInput", "Thumbprint list must contain fewer than 5 entries.", iam.update_open_id_connect_provider_thumbprint,
                     OpenIDConnectProviderArn=arn, ThumbprintList=[f"{i:040d}" for i in range(6)])
        self.assertIn({"Arn": arn}, iam.list_open_id_connect_providers()["OpenIDConnectProviderList"])
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        self.refused("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}", iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn)


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # older versions leave sockets open
