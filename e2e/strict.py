"""boto3 against a server that verifies signatures: with the root key, with
wrong ones, and without any.

Run by clients_test.go, which passes ENDPOINT and lets boto3 find the root key.
"""
import os
import unittest
import urllib.error
import urllib.request

import boto3
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["ENDPOINT"]
MISMATCH = ("The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
ROOT = boto3.Session().get_credentials().get_frozen_credentials()


def client(name, key=ROOT.access_key, secret=ROOT.secret_key, session=None, **config):
    return boto3.client(name, endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret,
                        aws_session_token=session, config=Config(retries={"total_max_attempts": 1}, **config))


# A call of each service that needs a signature.
CALLS = {
    "cognito-identity": lambda c: c.list_identity_pools(MaxResults=1),
    "sts": lambda c: c.get_caller_identity(),
    "iam": lambda c: c.list_open_id_connect_providers(),
}


class Strict(unittest.TestCase):
    def refused(self, service, status, code, message, **key):
        with self.assertRaises(ClientError) as caught:
            CALLS[service](client(service, **key))
        answer = caught.exception.response
        self.assertEqual((service, status, code, message), (service, answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]))

    def test_root_key(self):
        for service, call in CALLS.items():
            call(client(service))
        who = CALLS["sts"](client("sts"))
        self.assertEqual(("000000000000", "arn:aws:iam::000000000000:root", "000000000000"), (who["Account"], who["Arn"], who["UserId"]))

    def test_wrong_secret(self):
        self.refused("cognito-identity", 400, "InvalidSignatureException", MISMATCH, secret="wrong")
        self.refused("sts", 403, "SignatureDoesNotMatch", MISMATCH, secret="wrong")
        self.refused("iam", 403, "SignatureDoesNotMatch", MISMATCH, secret="wrong")

    def test_unknown_key(self):
        unknown = "The security token included in the request is invalid"
        for key in ("AKIAIOSFODNN7EXAMPLE", "test", "000000000000", ROOT.access_key.lower()):
            self.refused("cognito-identity", 400, "UnrecognizedClientException", unknown + ".", key=key)
            self.refused("sts", 403, "InvalidClientTokenId", unknown + ".", key=key)
            self.refused("iam", 403, "InvalidClientTokenId", unknown + ".", key=key)

    def test_session_token_that_is_none_of_ours(self):
        unknown = "The security token included in the request is invalid"
        for key in (ROOT.access_key, "ASIAIOSFODNN7EXAMPLE"):
            self.refused("cognito-identity", 400, "UnrecognizedClientException", unknown + ".", key=key, session="FwoGZXIvYXdzEXAMPLE")
        self.refused("sts", 403, "InvalidClientTokenId", unknown, key="ASIAIOSFODNN7EXAMPLE", session="FwoGZXIvYXdzEXAMPLE")

    def test_unsigned(self):
        self.refused("cognito-identity", 400, "MissingAuthenticationTokenException", "Missing Authentication Token", signature_version=UNSIGNED)
        self.refused("sts", 403, "MissingAuthenticationToken", "Request is missing Authentication Token", signature_version=UNSIGNED)
        self.refused("iam", 403, "MissingAuthenticationToken", "Request is missing Authentication Token", signature_version=UNSIGNED)

    def test_scope(self):
        """A signature by the right key, for something else."""
        body = b"Action=ListOpenIDConnectProviders&Version=2010-05-08"
        for service, region, words in (("s3", "us-east-1", "Credential should be scoped to correct service: 'iam'. "),
                                       ("iam", "Mars", "Credential should be scoped to a valid region, not 'Mars'. ")):
            request = AWSRequest("POST", ENDPOINT + "/", {"Content-Type": "application/x-www-form-urlencoded"}, body)
            SigV4Auth(ROOT, service, region).add_auth(request)
            with self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(urllib.request.Request(ENDPOINT + "/", body, dict(request.headers)))
            text = caught.exception.read().decode()
            self.assertIn("<Code>SignatureDoesNotMatch</Code>", text)
            self.assertIn(f"<Message>{words}</Message>", text.replace("&#39;", "'").replace("&apos;", "'"))

    def test_no_assuming_without_our_token(self):
        with self.assertRaises(ClientError) as caught:
            client("sts", signature_version=UNSIGNED).assume_role_with_web_identity(
                RoleArn="arn:aws:iam::000000000000:role/any", RoleSessionName="py", WebIdentityToken="nonsense")
        error = caught.exception.response["Error"]
        self.assertEqual(("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"), (error["Code"], error["Message"]))

    def test_presigned_address(self):
        """A signature in the query string, as in a presigned GetCallerIdentity."""
        address = client("sts").generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
        with urllib.request.urlopen(address) as answer:
            self.assertIn(b"<Arn>arn:aws:iam::000000000000:root</Arn>", answer.read())
        for wrong in (address[:-1] + ("0" if address[-1] != "0" else "1"), address.replace("GetCallerIdentity", "getCallerIdentity")):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(wrong)
            self.assertIn(caught.exception.code, (400, 403))
            caught.exception.close()


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # older versions leave sockets open
