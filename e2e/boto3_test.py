"""boto3 against a running server: every operation, for real.

Run by clients_test.go, which passes ENDPOINT, ISSUER and USER_POOL: a user pool
that lives at ISSUER too.
"""
import base64
import functools
import hashlib
import json
import os
import unittest
import urllib.parse
import urllib.request
from operator import itemgetter

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT, ISSUER, USER_POOL = (os.environ[name] for name in ("ENDPOINT", "ISSUER", "USER_POOL"))
ACCOUNT = "000000000000"
PROVIDER = ISSUER.removeprefix("http://")
PROVIDER_ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{PROVIDER}"
ROLES = {kind: f"arn:aws:iam::{ACCOUNT}:role/path/{kind}" for kind in ("authenticated", "unauthenticated")}
NOBODY = "us-east-1:00000000-0000-4000-8000-000000000000"
COGNITO = "cognito-identity.amazonaws.com"  # the key of our own tokens in Logins

answered, refusals = set(), set()  # operations of Cognito Identity, by what came of them


def note(parsed, model, **_):
    (refusals if "Error" in parsed else answered).add(model.name)


def client(name, region="us-east-1", **more):
    config = Config(retries={"total_max_attempts": 1}, **more)
    made = boto3.client(name, endpoint_url=ENDPOINT, region_name=region, config=config)
    made.meta.events.register("after-call.cognito-identity", note)
    return made


pools = client("cognito-identity")
anonymous = client("cognito-identity", signature_version=UNSIGNED)


def mint(sub, app="web", **claims):
    query = urllib.parse.urlencode({"sub": sub, "client": app, "claims": json.dumps(claims)})
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


def read(token):
    """The claims of a token of ours, which must be signed."""
    return verify(token, document(f"{ENDPOINT}/.well-known/jwks_uri"))[1]


def make_pool(**settings):
    settings = {"IdentityPoolName": "py", "AllowUnauthenticatedIdentities": True, "OpenIdConnectProviderARNs": [PROVIDER_ARN], **settings}
    pool = pools.create_identity_pool(**settings)["IdentityPoolId"]
    pools.set_identity_pool_roles(IdentityPoolId=pool, Roles=ROLES)
    return pool


def get_id(pool, token=None):
    return anonymous.get_id(IdentityPoolId=pool, Logins={PROVIDER: token} if token else {})["IdentityId"]


def vouch(pool, user, **more):
    """What the pool's own back end does for one of its users: the identity, and a token."""
    logins = {"login.shop": user, **more.pop("Logins", {})}
    answer = pools.get_open_id_token_for_developer_identity(IdentityPoolId=pool, Logins=logins, **more)
    return answer["IdentityId"], answer["Token"]


def role(answer):
    """The name of the role that the credentials of an answer are for."""
    keys = answer["Credentials"]
    session = boto3.client("sts", endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id=keys["AccessKeyId"],
                           aws_secret_access_key=keys["SecretKey"], aws_session_token=keys["SessionToken"])
    _, name, session_name = session.get_caller_identity()["Arn"].split("/")
    assert session_name == "CognitoIdentityCredentials", session_name
    return name


def arn(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


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

    def test_tags(self):
        pool = make_pool(IdentityPoolTags={f"t{i}": "" for i in range(49)})
        resource = f"arn:aws:cognito-identity:us-east-1:{ACCOUNT}:identitypool/{pool}"
        full = {f"t{i}": "" for i in range(50)} | {"t0": "0"}
        pools.tag_resource(ResourceArn=resource, Tags={"t0": "0"})
        for tags, message in (({"t49": "", "t50": ""}, "An identity pool can have at most 50 tags, not 51."), ({"aws:x": ""}, "Tag keys that begin with aws: are reserved."),
                              ({"t0": "{}"}, "Tag keys and values can hold letters, digits, white space and _ . : / = + - @ only.")):
            self.refused("InvalidParameterException", message, pools.tag_resource, ResourceArn=resource, Tags=tags)
        pools.tag_resource(ResourceArn=resource, Tags={"t49": ""})
        self.assertEqual(full, pools.describe_identity_pool(IdentityPoolId=pool)["IdentityPoolTags"])
        self.refused("InvalidParameterException", "An identity pool can have at most 50 tags, not 51.", pools.create_identity_pool,
                     IdentityPoolName="x", AllowUnauthenticatedIdentities=True, IdentityPoolTags={**full, "t50": ""})
        pools.untag_resource(ResourceArn=resource, TagKeys=[*full, "never"])
        self.assertEqual({}, pools.list_tags_for_resource(ResourceArn=resource)["Tags"])
        for call, more in ((pools.tag_resource, {"Tags": {"a": "b"}}), (pools.untag_resource, {"TagKeys": ["a"]}), (pools.list_tags_for_resource, {})):
            other = resource.replace(ACCOUNT, "111122223333")
            self.refused("ResourceNotFoundException", f"IdentityPool '{pool}' not found.", call, ResourceArn=other, **more)
            self.refused("AccessDeniedException", f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: cognito-identity:"
                         f"{''.join(word.title() for word in call.__name__.split('_'))} on resource: {pool}", call, ResourceArn=pool, **more)

    def test_update(self):
        pool = make_pool(DeveloperProviderName="login.shop", SupportedLoginProviders={"graph.facebook.com": "1"}, IdentityPoolTags={"a": "1"}, AllowClassicFlow=True)
        short = {"IdentityPoolId": pool, "IdentityPoolName": "renamed", "AllowUnauthenticatedIdentities": False}
        updated = pools.update_identity_pool(**short)
        updated.pop("ResponseMetadata")
        self.assertEqual({**short, "DeveloperProviderName": "login.shop", "IdentityPoolTags": {"a": "1"}}, updated, "what is absent goes back to its default, but for two")
        for code, message, change in (
                ("InvalidParameterException", "The DeveloperProviderName of an identity pool cannot be changed once it is set.", {"DeveloperProviderName": "login.other"}),
                ("InvalidParameterException", "(login.example.com) is not a supported login provider.", {"SupportedLoginProviders": {"login.example.com": "1"}}),
                ("InvalidParameterException", f"Invalid OpenIdConnect provider ARN: {arn('x')}", {"OpenIdConnectProviderARNs": [arn("x")]}),
                ("InvalidParameterException", "Duplicate Cognito Identity Provider", {"CognitoIdentityProviders": [{"ProviderName": USER_POOL, "ClientId": "web"}] * 2}),
                ("ResourceNotFoundException", f"IdentityPool '{NOBODY}' not found.", {"IdentityPoolId": NOBODY})):
            self.refused(code, message, pools.update_identity_pool, **{**short, **change})
        described = pools.describe_identity_pool(IdentityPoolId=pool)
        described.pop("ResponseMetadata")
        self.assertEqual(updated, described, "a refusal changed something")

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
        self.refused("MissingAuthenticationTokenException", "Missing Authentication Token", anonymous.delete_identities, IdentityIdsToDelete=[guest])
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


class Developers(Case):
    """People for whom the pool's own back end vouches."""

    def make_pool(self, **more):
        return make_pool(DeveloperProviderName="login.shop", **more)

    def test_sign_in(self):
        pool = self.make_pool(AllowClassicFlow=False)  # a developer's token is not the classic flow
        person, token = vouch(pool, "u-1", PrincipalTags={"plan": "gold"}, TokenDuration=120)
        claims = read(token)
        self.assertEqual((person, pool, ["authenticated", "login.shop", f"login.shop:{pool}:u-1"], {"principal_tags": {"plan": ["gold"]}}, 120),
                         (claims["sub"], claims["aud"], claims["amr"], claims["https://aws.amazon.com/tags"], claims["exp"] - claims["iat"]))
        same, plain = vouch(pool, "u-1")
        claims = read(plain)
        self.assertEqual((person, 900), (same, claims["exp"] - claims["iat"]))
        self.assertNotIn("https://aws.amazon.com/tags", claims)
        self.assertEqual(["login.shop"], pools.describe_identity(IdentityId=person)["Logins"])

        # The enhanced flow, and by hand at the STS.
        answer = anonymous.get_credentials_for_identity(IdentityId=person, Logins={COGNITO: token})
        self.assertEqual((person, "authenticated"), (answer["IdentityId"], role(answer)))
        assumed = client("sts", signature_version=UNSIGNED).assume_role_with_web_identity(RoleArn=arn("any"), RoleSessionName="py", WebIdentityToken=token)
        self.assertEqual((person, pool), (assumed["SubjectFromWebIdentityToken"], assumed["Audience"]))

        # The token opens this identity only, in this call only; the user's name opens nothing.
        for refused, message, call, more in (
                ("NotAuthorizedException", "Invalid login token. Can't pass in a Cognito token.", anonymous.get_id, {"IdentityPoolId": pool, "Logins": {COGNITO: token}}),
                ("NotAuthorizedException", "Logins don't match. Please include at least one valid login for this identity or identity pool.",
                 anonymous.get_credentials_for_identity, {"IdentityId": vouch(pool, "u-2")[0], "Logins": {COGNITO: token}}),
                ("NotAuthorizedException", "Invalid login token. Couldn't verify signed token.",
                 anonymous.get_credentials_for_identity, {"IdentityId": person, "Logins": {COGNITO: token[:-7] + ("AAAA" if token[-7:-3] != "AAAA" else "BBBB") + token[-3:]}}),
                ("NotAuthorizedException", "Invalid login token. Not a valid OpenId Connect identity token.",
                 anonymous.get_credentials_for_identity, {"IdentityId": person, "Logins": {COGNITO: "u-1"}}),
                ("NotAuthorizedException", f"Access to Identity '{person}' is forbidden.", anonymous.get_credentials_for_identity, {"IdentityId": person}),
                ("InvalidParameterException", "Please provide a valid public provider", anonymous.get_id, {"IdentityPoolId": pool, "Logins": {"login.shop": "u-1"}}),
                ("InvalidParameterException", "Please provide a valid public provider",
                 anonymous.get_credentials_for_identity, {"IdentityId": person, "Logins": {"login.shop": "u-1"}})):
            with self.subTest(message):
                self.refused(refused, message, call, **more)

    def test_who_may_vouch_for_whom(self):
        pool, vouching = self.make_pool(), pools.get_open_id_token_for_developer_identity
        self.refused("MissingAuthenticationTokenException", "Missing Authentication Token", anonymous.get_open_id_token_for_developer_identity,
                     IdentityPoolId=pool, Logins={"login.shop": "u-1"})
        wrong = "This identity pool does not support the specified developer provider"
        self.refused("InvalidParameterException", wrong, vouching, IdentityPoolId=pool, Logins={"login.other": "u-1"})
        self.refused("InvalidParameterException", wrong, vouching, IdentityPoolId=make_pool(), Logins={"login.shop": "u-1"})
        self.refused("InvalidParameterException", "Please provide a valid developer provider", vouching, IdentityPoolId=pool, Logins={PROVIDER: mint("gus")})
        self.refused("NotAuthorizedException", "Invalid login token. Not a valid OpenId Connect identity token.", vouching,
                     IdentityPoolId=pool, Logins={"login.shop": "u-1", PROVIDER: "nonsense"})
        self.refused("ResourceNotFoundException", f"Identity '{NOBODY}' not found.", vouching, IdentityPoolId=pool, IdentityId=NOBODY, Logins={"login.shop": "u-1"})
        self.refused("ValidationException", "1 validation error detected: Value '86401' at 'tokenDuration' failed to satisfy constraint: "
                     "Member must have value less than or equal to 86400", vouching, IdentityPoolId=pool, Logins={"login.shop": "u-1"}, TokenDuration=86401)
        self.assertEqual([], pools.list_identities(IdentityPoolId=pool, MaxResults=60)["Identities"], "a refusal made an identity")

    def test_a_guest_becomes_a_user(self):
        pool, token = self.make_pool(), mint("hal")
        guest = get_id(pool)
        self.assertEqual(guest, vouch(pool, "u-1", IdentityId=guest, Logins={PROVIDER: token})[0])
        self.assertEqual(guest, get_id(pool, token), "the public login opens the same identity")
        self.assertEqual(sorted(["login.shop", PROVIDER]), sorted(pools.describe_identity(IdentityId=guest)["Logins"]))
        # One more user of the back end, for whoever proves a login.
        self.refused("NotAuthorizedException", "Logins don't match. Please include at least one valid login for this identity or identity pool.",
                     vouch, pool=pool, user="u-2", IdentityId=guest)
        self.assertEqual(guest, vouch(pool, "u-2", IdentityId=guest, Logins={PROVIDER: token})[0])
        self.refused("DeveloperUserAlreadyRegisteredException", "The provided developer user identifier is already registered under a different identity.",
                     vouch, pool=pool, user="u-2", IdentityId=get_id(pool))

    def test_look_up_merge_unlink(self):
        pool = self.make_pool()
        look_up = functools.partial(pools.lookup_developer_identity, IdentityPoolId=pool)
        users = [f"u-{i}" for i in range(5)]
        ids = [vouch(pool, user)[0] for user in users]
        self.assertEqual((ids[0], ["u-0"]), itemgetter("IdentityId", "DeveloperUserIdentifierList")(look_up(DeveloperUserIdentifier="u-0")))
        self.assertEqual((ids[0], ["u-0"]), itemgetter("IdentityId", "DeveloperUserIdentifierList")(look_up(IdentityId=ids[0])))
        self.assertEqual((ids[0], ["u-0"]), itemgetter("IdentityId", "DeveloperUserIdentifierList")(look_up(IdentityId=ids[0], DeveloperUserIdentifier="u-0")))
        self.assertEqual([], look_up(IdentityId=get_id(pool))["DeveloperUserIdentifierList"])
        self.refused("ResourceConflictException", "The identity ID and the developer user identifier do not belong together.", look_up,
                     IdentityId=ids[0], DeveloperUserIdentifier="u-1")
        self.refused("ResourceNotFoundException", "Developer user identifier 'u-9' not found.", look_up, DeveloperUserIdentifier="u-9")
        self.refused("InvalidParameterException", "Please provide an identity ID or a developer user identifier.", look_up)

        merge = functools.partial(pools.merge_developer_identities, DestinationUserIdentifier="u-0", DeveloperProviderName="login.shop", IdentityPoolId=pool)
        for user in users[1:]:
            self.assertEqual(ids[0], merge(SourceUserIdentifier=user)["IdentityId"])
        self.assertEqual(ids[0], merge(SourceUserIdentifier="u-1")["IdentityId"], "once more changes nothing")
        self.assertEqual([ids[0]] * 5, [vouch(pool, user)[0] for user in users])
        self.refused("ResourceNotFoundException", "Developer user identifier 'u-9' not found.", merge, SourceUserIdentifier="u-9")
        self.refused("InvalidParameterException", "This identity pool does not support the specified developer provider", merge,
                     SourceUserIdentifier="u-1", DeveloperProviderName="login.other")
        hidden = [i["IdentityId"] for i in pools.list_identities(IdentityPoolId=pool, MaxResults=60, HideDisabled=True)["Identities"]]
        shown = {i["IdentityId"]: i.get("Logins") for i in pools.list_identities(IdentityPoolId=pool, MaxResults=60)["Identities"]}
        self.assertEqual(set(ids[1:]), set(shown) - set(hidden), "who was merged away is hidden")
        self.assertEqual((["login.shop"], [None] * 4), (shown[ids[0]], [shown[i] for i in ids[1:]]))

        seen, more = [], {}
        while True:  # there is no paginator for this operation
            page = look_up(IdentityId=ids[0], MaxResults=2, **more)
            seen.append(page["DeveloperUserIdentifierList"])
            if "NextToken" not in page:
                break
            more = {"NextToken": page["NextToken"]}
        self.assertEqual([users[:2], users[2:4], users[4:]], seen)
        self.refused("InvalidParameterException", "The NextToken is not valid.", look_up, DeveloperUserIdentifier="u-0", MaxResults=2, **more)

        unlink = functools.partial(pools.unlink_developer_identity, IdentityPoolId=pool, DeveloperProviderName="login.shop", DeveloperUserIdentifier="u-4")
        self.refused("ResourceConflictException", "The developer user identifier belongs to another identity.", unlink, IdentityId=vouch(pool, "u-8")[0])
        self.refused("ResourceNotFoundException", f"Identity '{NOBODY}' not found.", unlink, IdentityId=NOBODY)
        unlink(IdentityId=ids[0])
        self.refused("ResourceNotFoundException", "Developer user identifier 'u-4' not found.", unlink, IdentityId=ids[0])
        self.assertEqual(users[:4], look_up(IdentityId=ids[0])["DeveloperUserIdentifierList"])
        self.assertNotIn(vouch(pool, "u-4")[0], ids, "an unlinked user is a new person")

    def test_people_who_cannot_be_one(self):
        """Two people of one public provider do not become one, and nothing of the attempt stays."""
        pool = self.make_pool()
        ids = [vouch(pool, user, Logins={PROVIDER: mint(who)})[0] for user, who in (("u-1", "ida"), ("u-2", "ike"))]
        self.refused("ResourceConflictException", "Logins are already linked to another account.", pools.merge_developer_identities,
                     SourceUserIdentifier="u-1", DestinationUserIdentifier="u-2", DeveloperProviderName="login.shop", IdentityPoolId=pool)
        self.assertEqual(ids, [vouch(pool, user)[0] for user in ("u-1", "u-2")])
        self.refused("InvalidParameterException", "Please provide a valid public provider", anonymous.unlink_identity,
                     IdentityId=ids[0], Logins={PROVIDER: mint("ida")}, LoginsToRemove=["login.shop"])
        self.refused("NotAuthorizedException", "Logins don't match. Please include at least one valid login for this identity or identity pool.",
                     anonymous.unlink_identity, IdentityId=ids[0], Logins={PROVIDER: mint("ike")}, LoginsToRemove=[PROVIDER])
        self.assertEqual(sorted(["login.shop", PROVIDER]), sorted(pools.describe_identity(IdentityId=ids[0])["Logins"]))


class Roles(Case):
    """Which role somebody becomes."""

    def rule(self, claim, match, value, name):
        return {"Claim": claim, "MatchType": match, "Value": value, "RoleARN": arn(name)}

    def become(self, pool, provider, token, **more):
        logins = {provider: token}
        person = anonymous.get_id(IdentityPoolId=pool, Logins=logins)["IdentityId"]
        return role(anonymous.get_credentials_for_identity(IdentityId=person, Logins=logins, **more))

    def test_rules(self):
        pool = make_pool()
        rules = [self.rule("groups", "Equals", "admins", "admin"), self.rule("department", "StartsWith", "eng", "engineer"),
                 self.rule("groups", "Contains", "min", "minor"), self.rule("level", "NotEqual", "1", "levelled")]
        mapping = {"Type": "Rules", "AmbiguousRoleResolution": "Deny", "RulesConfiguration": {"Rules": rules}}
        pools.set_identity_pool_roles(IdentityPoolId=pool, Roles=ROLES, RoleMappings={PROVIDER_ARN: mapping})
        self.assertEqual({PROVIDER_ARN: mapping}, pools.get_identity_pool_roles(IdentityPoolId=pool)["RoleMappings"], "the order of rules stays")
        for want, claims in (("admin", {"groups": ["users", "admins"], "department": "engines"}), ("engineer", {"department": "engines"}),
                             ("minor", {"groups": ["miners"], "department": "big engines"}), ("levelled", {"level": 7})):
            with self.subTest(want):
                self.assertEqual(want, self.become(pool, PROVIDER, mint("jo", **claims)))
        # The role asked for must be one that a matching rule offers.
        both = mint("jo", groups=["admins"], department="engines")
        self.assertEqual("minor", self.become(pool, PROVIDER, both, CustomRoleArn=arn("minor")))
        self.refused("NotAuthorizedException", f"The role {arn('levelled')} is not among those that the login token offers.", self.become,
                     pool=pool, provider=PROVIDER, token=both, CustomRoleArn=arn("levelled"))
        # Nothing matches.
        nothing = mint("jo", groups=[], level=1)
        self.refused("NotAuthorizedException", f"The ambiguous role mapping rules for: {PROVIDER} denied this request.", self.become,
                     pool=pool, provider=PROVIDER, token=nothing)
        mapping["AmbiguousRoleResolution"] = "AuthenticatedRole"
        pools.set_identity_pool_roles(IdentityPoolId=pool, Roles=ROLES, RoleMappings={PROVIDER_ARN: mapping})
        self.assertEqual("authenticated", self.become(pool, PROVIDER, nothing))
        # Guests have no claims.
        self.assertEqual("unauthenticated", role(anonymous.get_credentials_for_identity(IdentityId=get_id(pool))))
        # What the call does not name is gone.
        pools.set_identity_pool_roles(IdentityPoolId=pool, Roles=ROLES)
        self.assertNotIn("RoleMappings", pools.get_identity_pool_roles(IdentityPoolId=pool))
        self.assertEqual("authenticated", self.become(pool, PROVIDER, both))

    def test_token(self):
        """A user pool chooses the role; nobody else may."""
        clients = [{"ProviderName": USER_POOL, "ClientId": app} for app in ("web", "mobile")]
        pool = make_pool(CognitoIdentityProviders=clients)
        mapping = {"Type": "Token", "AmbiguousRoleResolution": "Deny"}
        mappings = {f"{USER_POOL}:web": mapping, PROVIDER_ARN: mapping}
        pools.set_identity_pool_roles(IdentityPoolId=pool, Roles=ROLES, RoleMappings=mappings)
        self.assertEqual(mappings, pools.get_identity_pool_roles(IdentityPoolId=pool)["RoleMappings"])

        def token(app="web", **roles):
            return mint("kim", app, token_use="id", **{"cognito:" + name: value for name, value in roles.items()})
        offered = [arn("reader"), arn("writer")]
        self.assertEqual("writer", self.become(pool, USER_POOL, token(roles=offered, preferred_role=arn("writer"))))
        self.assertEqual("reader", self.become(pool, USER_POOL, token(roles=offered[:1])))
        self.assertEqual("reader", self.become(pool, USER_POOL, token(roles=offered), CustomRoleArn=arn("reader")))
        self.refused("NotAuthorizedException", f"The role {arn('owner')} is not among those that the login token offers.", self.become,
                     pool=pool, provider=USER_POOL, token=token(roles=offered), CustomRoleArn=arn("owner"))
        for name, ambiguous in (("several", token(roles=offered)), ("none", token())):
            with self.subTest(name):
                self.refused("NotAuthorizedException", f"The ambiguous role mapping rules for: {USER_POOL} denied this request.", self.become,
                             pool=pool, provider=USER_POOL, token=ambiguous)
        self.assertEqual("authenticated", self.become(pool, USER_POOL, token("mobile", roles=offered[:1])), "the mapping is that of another client")
        self.refused("NotAuthorizedException", f"The ambiguous role mapping rules for: {PROVIDER} denied this request.", self.become,
                     pool=pool, provider=PROVIDER, token=token(roles=offered, preferred_role=arn("writer")))
        self.refused("NotAuthorizedException", "Invalid login token. Not a valid OpenId Connect identity token.", self.become,
                     pool=pool, provider=USER_POOL, token=mint("kim", token_use="access"))
        self.refused("NotAuthorizedException", "Token is not from a supported provider of this identity pool.", self.become,
                     pool=pool, provider=USER_POOL, token=token("stranger"))

    def test_classic_flow(self):
        pool = make_pool()
        guest = get_id(pool)
        anonymous.get_open_id_token(IdentityId=guest)  # never having said anything is a yes
        rules = {"Type": "Rules", "AmbiguousRoleResolution": "Deny", "RulesConfiguration": {"Rules": [self.rule("sub", "Equals", "x", "admin")]}}
        pools.set_identity_pool_roles(IdentityPoolId=pool, Roles=ROLES, RoleMappings={PROVIDER_ARN: rules})
        mapped = "Basic (classic) flow is not supported with RoleMappings, please use enhanced flow."
        disabled = "Basic (classic) flow is not enabled, please use enhanced flow."
        self.refused("InvalidParameterException", mapped, anonymous.get_open_id_token, IdentityId=guest)
        for allow, message in ((True, mapped), (False, disabled)):
            pools.update_identity_pool(IdentityPoolId=pool, IdentityPoolName="py", AllowUnauthenticatedIdentities=True,
                                       OpenIdConnectProviderARNs=[PROVIDER_ARN], AllowClassicFlow=allow)
            self.refused("InvalidParameterException", message, anonymous.get_open_id_token, IdentityId=guest)
        pools.set_identity_pool_roles(IdentityPoolId=pool, Roles=ROLES)
        self.refused("InvalidParameterException", disabled, anonymous.get_open_id_token, IdentityId=guest)
        self.assertEqual("unauthenticated", role(anonymous.get_credentials_for_identity(IdentityId=guest)))

    def test_what_cannot_be_set(self):
        pool = make_pool()
        rules = {"Type": "Rules", "AmbiguousRoleResolution": "Deny", "RulesConfiguration": {"Rules": [self.rule("sub", "Equals", "x", "admin")]}}
        pools.set_identity_pool_roles(IdentityPoolId=pool, Roles=ROLES, RoleMappings={PROVIDER_ARN: rules})
        foreign = "arn:aws:iam::111122223333:role/admin"
        for code, message, change in (
                ("NotAuthorizedException", f"Access to Role '{foreign}' is forbidden.", {"Roles": {"authenticated": foreign}}),
                ("NotAuthorizedException", f"Access to Role '{foreign}' is forbidden.",
                 {"RoleMappings": {PROVIDER_ARN: {**rules, "RulesConfiguration": {"Rules": [{**self.rule("sub", "Equals", "x", ""), "RoleARN": foreign}]}}}}),
                ("InvalidParameterException", "(www.amazon.com) is not a valid RoleMapping ProviderName or is not a configured provider.", {"RoleMappings": {"www.amazon.com": rules}}),
                ("InvalidParameterException", f"({PROVIDER}) is not a valid RoleMapping ProviderName or is not a configured provider.", {"RoleMappings": {PROVIDER: rules}}),
                ("InvalidParameterException", f"AmbiguousRoleResolution is required in the role mapping of ({PROVIDER_ARN}).", {"RoleMappings": {PROVIDER_ARN: {"Type": "Token"}}}),
                ("InvalidParameterException", f"RulesConfiguration is required in the role mapping of ({PROVIDER_ARN}), whose Type is Rules.",
                 {"RoleMappings": {PROVIDER_ARN: {"Type": "Rules", "AmbiguousRoleResolution": "Deny"}}}),
                ("InvalidParameterException", f"The role mapping of ({PROVIDER_ARN}) has 26 rules, at most 25 are allowed.",
                 {"RoleMappings": {PROVIDER_ARN: {**rules, "RulesConfiguration": {"Rules": rules["RulesConfiguration"]["Rules"] * 26}}}}),
                ("ValidationException", "1 validation error detected: Value 'Any' at 'roleMappings." + PROVIDER_ARN + ".member.type' failed to satisfy constraint: "
                 "Member must satisfy enum value set: [Token, Rules]", {"RoleMappings": {PROVIDER_ARN: {**rules, "Type": "Any"}}})):
            with self.subTest(message):
                self.refused(code, message, pools.set_identity_pool_roles, **{"IdentityPoolId": pool, "Roles": ROLES, **change})
        held = pools.get_identity_pool_roles(IdentityPoolId=pool)
        self.assertEqual((ROLES, {PROVIDER_ARN: rules}), (held["Roles"], held["RoleMappings"]), "a refusal changed something")


class PrincipalTags(Case):
    """Claims that become tags of the session."""

    def tags(self, pool, provider, token):
        logins = {provider: token}
        person = anonymous.get_id(IdentityPoolId=pool, Logins=logins)["IdentityId"]
        self.assertEqual("authenticated", role(anonymous.get_credentials_for_identity(IdentityId=person, Logins=logins)))
        claim = read(anonymous.get_open_id_token(IdentityId=person, Logins=logins)["Token"]).get("https://aws.amazon.com/tags")
        return claim and claim["principal_tags"]

    def test_attribute_map(self):
        pool = make_pool(CognitoIdentityProviders=[{"ProviderName": USER_POOL, "ClientId": "web"}])
        names = {"IdentityPoolId": pool, "IdentityProviderName": PROVIDER_ARN}

        def set_map(**settings):
            made = pools.set_principal_tag_attribute_map(**{**names, **settings})
            held = pools.get_principal_tag_attribute_map(**{**names, "IdentityProviderName": settings.get("IdentityProviderName", PROVIDER_ARN)})
            for answer in (made, held):
                answer.pop("ResponseMetadata")
            self.assertEqual(made, held)
            return held
        unset = pools.get_principal_tag_attribute_map(**names)
        self.assertEqual((False, {}), (unset["UseDefaults"], unset.get("PrincipalTags", {})))
        token = mint("lea", department="sales", level=3, groups=["one", "two"])
        self.assertIsNone(self.tags(pool, PROVIDER, token))
        wanted = {"dept": "department", "level": "level", "groups": "groups", "none": "nothing"}
        self.assertEqual({**names, "UseDefaults": False, "PrincipalTags": wanted}, set_map(PrincipalTags=wanted))
        self.assertEqual({"dept": ["sales"], "level": ["3"]}, self.tags(pool, PROVIDER, token), "one value, or none")
        self.assertIsNone(self.tags(pool, USER_POOL, mint("lea", token_use="id", department="sales")), "the map is another provider's")
        set_map(UseDefaults=True, PrincipalTags={})
        self.assertEqual({"username": ["lea"], "client": ["web"]}, self.tags(pool, PROVIDER, token))
        set_map(IdentityProviderName=USER_POOL, PrincipalTags={"dept": "department"})
        self.assertEqual({"dept": ["sales"]}, self.tags(pool, USER_POOL, mint("lea", token_use="id", department="sales")))
        self.assertNotIn("https://aws.amazon.com/tags", read(anonymous.get_open_id_token(IdentityId=get_id(pool))["Token"]), "guests have no tags")
        set_map(PrincipalTags={"dept": "department"})
        long = mint("lea", department="x" * 257)
        self.refused("InvalidIdentityPoolConfigurationException", "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
                     self.tags, pool=pool, provider=PROVIDER, token=long)

    def test_refusals(self):
        pool = make_pool()
        for provider in (PROVIDER, "graph.facebook.com", f"{USER_POOL}:web"):
            names, message = {"IdentityPoolId": pool, "IdentityProviderName": provider}, f"({provider}) is not a configured provider."
            self.refused("InvalidParameterException", message, pools.set_principal_tag_attribute_map, **names, PrincipalTags={"a": "sub"})
            self.refused("ResourceNotFoundException", message, pools.get_principal_tag_attribute_map, **names)
        gone = {"IdentityPoolId": NOBODY, "IdentityProviderName": PROVIDER_ARN}
        for call in (pools.set_principal_tag_attribute_map, pools.get_principal_tag_attribute_map):
            self.refused("ResourceNotFoundException", f"IdentityPool '{NOBODY}' not found.", call, **gone)
        self.refused("ValidationException", "1 validation error detected: Value '" + "{" + ", ".join(f"t{i:02d}=sub" for i in range(51)) + "}" +
                     "' at 'principalTags' failed to satisfy constraint: Member must have length less than or equal to 50",
                     pools.set_principal_tag_attribute_map, IdentityPoolId=pool, IdentityProviderName=PROVIDER_ARN, PrincipalTags={f"t{i:02d}": "sub" for i in range(51)})


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


class Everything(Case):
    """Runs last and says what the other classes left out."""

    def test_every_operation_was_answered_and_refused(self):
        operations = set(pools.meta.service_model.operation_names)
        self.assertEqual(23, len(operations))
        self.assertEqual((set(), set()), (operations - answered, operations - refusals))


def load_tests(loader, tests, pattern):
    cases = [value for value in globals().values() if isinstance(value, type) and issubclass(value, Case) and value is not Case]
    return unittest.TestSuite(map(loader.loadTestsFromTestCase, cases))  # in the order of the file


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # older versions leave sockets open
