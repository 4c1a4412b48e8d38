#!/usr/bin/env python3
"""Writes testdata/sigv4/*.txt: requests signed by botocore, which shares no code with us.

    python3 internal/credential/testdata/make_sigv4.py

Where the public suite (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4) publishes a signature, it
stands here, and botocore must come to the same one or nothing is written. To add a case, add a line.
"""

import os
from urllib.parse import quote, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sigv4")
KEY, SECRET, STAMP = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830T123600Z"
HOST = "example.amazonaws.com"
TOKEN = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
STS_TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQ"
    "rmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+s"
    "cqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FORM = "application/x-www-form-urlencoded"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
PARAM1 = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"


class Plain(SigV4Auth):
    """Does not normalise the path, as for S3."""

    def _normalize_url_path(self, path):
        return quote(path, safe="/~")


def case(name, method="GET", target="/", headers=(), body="", header=None, query=None, service="service", region="us-east-1",
         signed=None, after=(), expect="accept", plain=False, host=HOST, date=STAMP, date_header="X-Amz-Date", forms="hq", expires=3600):
    """One request, in the header form and in the query form.

    header, query: published signatures. signed: the target as botocore needs it, already encoded. after: headers added after signing.
    """
    for form in forms:
        published = header if form == "h" else query
        path, _, params = (signed or target).partition("?")
        raw_path, mark, raw_params = target.partition("?")
        sent = [("Host", host)] + list(headers)
        if form == "h":
            sent.append((date_header, date))
        else:
            names = sorted({n.lower() for n, _ in sent})
            auth = "&".join([
                "X-Amz-Algorithm=AWS4-HMAC-SHA256",
                "X-Amz-Credential=" + quote(f"{KEY}/{STAMP[:8]}/{region}/{service}/aws4_request", safe=""),
                "X-Amz-Date=" + STAMP,
                "X-Amz-SignedHeaders=" + quote(";".join(names), safe=""),
                f"X-Amz-Expires={expires}",
            ])
            params = "&".join(filter(None, [params, auth]))
            raw_params = "&".join(filter(None, [raw_params, auth]))
        request = AWSRequest(method=method, url=f"http://{host}{path}" + ("?" + params if params else ""), data=body.encode())
        for n, v in sent:
            request.headers.add_header(n, v)
        request.context["timestamp"] = STAMP
        signer = (Plain if plain else SigV4Auth)(Credentials(KEY, SECRET), service, region)
        canonical = signer.canonical_request(request)
        signature = signer.signature(signer.string_to_sign(request, canonical), request)
        if published and published != signature:
            raise SystemExit(f"{name}, form {form}: published {published}, botocore {signature}")
        if form == "h":
            names = signer.signed_headers(signer.headers_to_sign(request))
            sent.append(("Authorization", f"AWS4-HMAC-SHA256 Credential={KEY}/{signer.credential_scope(request)}, SignedHeaders={names}, Signature={signature}"))
        else:
            raw_params += "&X-Amz-Signature=" + signature
        sent += after
        lines = [
            "# " + ("signature published with the public suite, and botocore's" if published else "signed by botocore"),
            "expect: " + expect, "service: " + service, "",
            f"{method} {raw_path}" + ("?" + raw_params if raw_params else "") + " HTTP/1.1",
            *[f"{n}:{v}" for n, v in sent], "", body,
        ]
        if expect == "accept":
            lines += ["-- canonical --", canonical]
        with open(os.path.join(FOLDER, f"{name}-{'header' if form == 'h' else 'query'}.txt"), "w") as out:
            out.write("\n".join(lines) + "\n")


def suite():
    vanilla, vanilla_q = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d"
    case("get-vanilla", header=vanilla, query=vanilla_q)
    case("get-vanilla-query", header=vanilla, query=vanilla_q)
    case("get-header-key-duplicate", headers=[("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")],
         header="c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea", query="3349ee0b81b4b589da0ff28a395c3591e04de515651dd74f298fa992d1507a97")
    # Left out: get-header-value-multiline. It joins folded lines with commas; folding is obsolete (RFC 9112, 5.2), and net/http joins with a blank.
    case("get-header-value-order", headers=[("My-Header1", f"value{n}") for n in (4, 1, 3, 2)],
         header="08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01", query="313720e71ca6202fdcfa9b20f88de01a4eb0638a83c833b1c184359a4eda864e")
    case("get-header-value-trim", headers=[("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')],
         header="acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736", query="e7bb0fd515e125e1aec2ecc4c0c17484fb06f6846b927c35e46005dd3df3acd4")
    for name, target, header, query, plain, plain_q in [
        ("get-relative", "/example/..", vanilla, vanilla_q, "eca7ead57bb5aa5c8e28007acd4ff04e1ff9a0ff3b237ec1554a184887ff9282", None),
        ("get-relative-relative", "/example1/example2/../..", vanilla, vanilla_q, "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b", None),
        ("get-slash", "//", vanilla, vanilla_q, "c88bcd3d312d75078c0cd961d6deae3f4c754924b01669efcfcb439fd5e5b76e", None),
        ("get-slash-dot-slash", "/./", vanilla, vanilla_q, "68714168e6557f8f2de0ef956fc24dc2593a4bd2961f8df51898d8a134695145", None),
        ("get-slash-pointless-dot", "/./example", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
         "35034b1a0bdd969f346975386daf8aedfd4976573b8348cf4f67eaa41c5857de", "beb03f223f7deae4146464f06e29eebbee9c8afbe15c290cf07aa8b119e14cff", None),
        ("get-slashes", "//example//", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
         "c1834e8fb0307243711f0f907f6ab7311ed300d87f13792d7ee4da89ab93e082", "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5",
         "822a5a9ba28072c5ab2bb4a6307d0c88276d40e49fec6b724c03fb4d4ba60fc2"),
    ]:
        case(name + "-normalized", target=target, header=header, query=query)
        case(name + "-unnormalized", target=target, header=plain, query=plain_q, plain=True, expect="InvalidSignature")
    space, space_q = "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741", "7a1f416954786484c9824d93c1f26ef64acb9b1b6c9154d08c9f07d0e394abf6"
    case("get-space-normalized", target="/example space/", header=space, query=space_q)
    case("get-space-unnormalized", target="/example space/", header=space, query=space_q, plain=True)
    case("get-unreserved", target="/" + UNRESERVED, header="07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
         query="95968482db1b9e0fadef6efc1bd24689f77c77d9ef56919c96a28cc92e0d6005")
    case("get-utf8", target="/ሴ", header="8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
         query="10eae3f14a260bd3911cc6d008d3c576d143b05b62f09782a7a4b37f52178e44")
    case("get-vanilla-empty-query-key", target="/?Param1=value1", header="a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb")
    case("get-vanilla-query-order-encoded", target="/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
         header="371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac", query="c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787")
    case("get-vanilla-query-order-key", target="/?Param1=value2&Param1=Value1")
    case("get-vanilla-query-order-key-case", target="/?Param2=value2&Param1=value1",
         header="b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500", query="86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5")
    case("get-vanilla-query-order-value", target="/?Param1=value2&Param1=value1")
    case("get-vanilla-query-unreserved", target=f"/?{UNRESERVED}={UNRESERVED}",
         header="9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197", query="8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf")
    case("get-vanilla-utf8-query", target="/?ሴ=bar", signed="/?%E1%88%B4=bar",
         header="2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04", query="0bdd809b1519ac4f0c1dc3540e2cc46bd0c7f778eda408b2ebf3b913d21ff600")
    case("get-vanilla-with-session-token", headers=[("X-Amz-Security-Token", TOKEN)], forms="h",
         header="07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8")
    case("get-vanilla-with-session-token", target="/?X-Amz-Security-Token=" + TOKEN, forms="q",
         query="7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c")
    post = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    post_q = "2ce6e6d2e0cf2f9d1b55fafec88cd20574c31dc2e7631979f71ba2310083e95b"
    case("post-vanilla", "POST", header=post, query=post_q)
    case("post-header-key-case", "POST", header=post, query=post_q)
    case("post-header-key-sort", "POST", headers=[("My-Header1", "value1")], header="c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c")
    case("post-header-value-case", "POST", headers=[("My-Header1", "VALUE1")], header="cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d")
    case("post-sts-header-before", "POST", headers=[("X-Amz-Security-Token", STS_TOKEN)],
         header="85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead", query="aca67b49ed321f377645504bccbd5a65f9085c536ff1961bc49c835d30827b16")
    # The suite has the token added after signing. A token that is not signed is not believed.
    case("post-sts-header-after", "POST", after=[("X-Amz-Security-Token", STS_TOKEN)], header=post, query=post_q, expect="InvalidSignature")
    query = "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"
    case("post-vanilla-query", "POST", "/?Param1=value1", header=query)
    case("post-vanilla-empty-query-value", "POST", "/?Param1=value1", header=query)
    hashed = [("Content-Length", "13"), ("x-amz-content-sha256", PARAM1)]
    case("post-x-www-form-urlencoded", "POST", headers=[("Content-Type", FORM)] + hashed, body="Param1=value1",
         header="d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b", query="c2348f57d08c84939944d6c878b3f7be56316f8e7fd6817e81eded279a362d69")
    case("post-x-www-form-urlencoded-parameters", "POST", headers=[("Content-Type", FORM + "; charset=utf-8")] + hashed, body="Param1=value1",
         header="328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422")


def own():
    # "Task 1: Create a canonical request" of the AWS General Reference, its example.
    case("documented-iam-list-users", target="/?Action=ListUsers&Version=2010-05-08", headers=[("Content-Type", FORM + "; charset=utf-8")],
         service="iam", host="iam.amazonaws.com", forms="h", header="5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
    json = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "AWSCognitoIdentityService.ListIdentityPools")]
    case("cognito-list", "POST", headers=json, body='{"MaxResults":60}', service="cognito-identity", host="cognito-identity.eu-central-1.amazonaws.com", region="eu-central-1")
    case("cognito-session", "POST", headers=json + [("X-Amz-Security-Token", STS_TOKEN)], body='{"MaxResults":60}', service="cognito-identity", host="127.0.0.1:8437", forms="h")
    case("cognito-gov", "POST", headers=json, body="{}", service="cognito-identity", region="us-gov-west-1")
    case("cognito-utf8-body", "POST", headers=json, body='{"IdentityPoolName":"Bücher ሴ"}', service="cognito-identity")
    case("sts-get", target="/?Action=GetCallerIdentity&Version=2011-06-15", service="sts", host="sts.amazonaws.com")
    case("sts-post", "POST", headers=[("Content-Type", FORM + "; charset=utf-8")], body="Action=GetCallerIdentity&Version=2011-06-15", service="sts", host="sts.eu-west-1.amazonaws.com", region="eu-west-1")
    case("sts-get-session", target="/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Security-Token=" + quote(STS_TOKEN, safe=""), service="sts", forms="q")
    case("sts-kubernetes", target="/?Action=GetCallerIdentity&Version=2011-06-15", headers=[("x-k8s-aws-id", "cluster-1")], service="sts", forms="q", expires=60)
    case("date-header", headers=(), date="Sun, 30 Aug 2015 12:36:00 GMT", date_header="Date", forms="h")
    case("date-header-basic", date=STAMP, date_header="Date", forms="h")
    case("host-port", host="localhost:8437")
    case("host-upper-case", host="LOCALHOST:8437")
    case("host-ipv6", host="[::1]:8437")
    case("query-plus", target="/?a=b+c&d=e%2Bf", signed="/?a=b%20c&d=e%2Bf")
    case("query-lower-case-escapes", target="/?a=%2f%3a&b=%c3%bc", signed="/?a=%2F%3A&b=%C3%BC")
    case("query-needless-escapes", target="/?%61=%7e%2D", signed="/?a=~-")
    case("query-no-value", target="/?b&a=", signed="/?a=&b=")
    case("query-empty-pairs", target="/?a=1&&b=2", signed="/?a=1&b=2")
    case("query-encoded-equals", target="/?a=b=c%26d", signed="/?a=b%3Dc%26d")
    case("query-stars-and-brackets", target="/?a=*'()[]!$,:@/", signed="/?a=%2A%27%28%29%5B%5D%21%24%2C%3A%40%2F")
    case("query-bytes", target="/?a=%ff%00", signed="/?a=%FF%00")
    case("path-escaped", target="/a%2Fb%20c/%e1%88%b4")
    case("path-plus-and-stars", target="/a+b*c'(d)=e,f:g@h!$&")
    case("path-escaped-dots", target="/a/%2e%2e/b")
    case("path-dots-at-the-end", target="/a/b/.")
    case("path-above-the-root", target="/../../a/")
    case("path-needless-escapes", target="/%61%7E")
    case("header-empty-value", headers=[("My-Header1", "")])
    case("header-inner-blanks", headers=[("My-Header1", "a \t b    c"), ("My-Header2", "a,  b")])
    case("header-order", headers=[("Zeta", "1"), ("Alpha", "2"), ("My-Header10", "3"), ("My-Header1", "4"), ("My_Header", "5")])
    case("method-put", "PUT", "/a", body="x")
    case("content-hash", "POST", headers=[("X-Amz-Content-Sha256", EMPTY)])
    # Refused for what they are, although correctly signed.
    case("content-hash-of-another-body", "POST", headers=[("X-Amz-Content-Sha256", PARAM1)], body="{}", expect="InvalidSignature")
    case("content-hash-unsigned-payload", "POST", headers=[("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")], body="{}", expect="InvalidSignature")
    case("content-hash-streaming", "POST", headers=[("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")], body="{}", expect="InvalidSignature")
    case("content-hash-streaming-trailer", "POST", headers=[("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")], body="{}", expect="InvalidSignature")
    case("amz-header-after", "POST", headers=json[:1], body="{}", after=json[1:], expect="InvalidSignature")
    case("region-of-no-form", region="aws-global", expect="InvalidSignature")
    case("region-upper-case", region="US-EAST-1", expect="InvalidSignature")


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for old in os.listdir(FOLDER):
        os.remove(os.path.join(FOLDER, old))
    suite()
    own()
    print(len(os.listdir(FOLDER)), "vectors")
