// A server that is not in development mode: it verifies every signature. The
// root key comes from the credentials file that the server wrote.
import test from "node:test";
import assert from "node:assert/strict";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { STSClient, AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand } from "@aws-sdk/client-sts";

const endpoint = process.env.ENDPOINT;
const base = { endpoint, region: "us-east-1", maxAttempts: 1 };
const root = new cognito.CognitoIdentityClient(base);
const refused = (call, name, message) =>
  assert.rejects(call, (err) => {
    assert.equal(err.name, name, `${err.name}: ${err.message}`);
    (message instanceof RegExp ? assert.match : assert.equal)(err.message, message);
    return true;
  });
const list = (client) => client.send(new cognito.ListIdentityPoolsCommand({ MaxResults: 1 }));
const raw = async (op, body, headers = {}) => {
  const res = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": `AWSCognitoIdentityService.${op}`, ...headers },
    body: JSON.stringify(body),
  });
  return { status: res.status, text: await res.text() };
};

test("the root key signs", async () => {
  assert.deepEqual((await list(root)).IdentityPools, []);
  assert.equal((await new STSClient(base).send(new GetCallerIdentityCommand({}))).Arn, "arn:aws:iam::000000000000:root");
});

test("wrong signatures do not", async () => {
  const key = await root.config.credentials();
  const as = (credentials) => new cognito.CognitoIdentityClient({ ...base, credentials });
  await refused(list(as({ ...key, secretAccessKey: "wrong" })), "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.");
  const unknown = "The security token included in the request is invalid.";
  await refused(list(as({ accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "x" })), "UnrecognizedClientException", unknown);
  await refused(list(as({ ...key, sessionToken: "AAAA" })), "UnrecognizedClientException", unknown);
  const stamp = /\d{8}T\d{6}Z/.source;
  const late = { ...base, credentials: key, systemClockOffset: -3600e3 };
  await refused(list(new cognito.CognitoIdentityClient(late)), "InvalidSignatureException",
    new RegExp(`^Signature expired: ${stamp} is now earlier than ${stamp} \\(${stamp} - 5 min\\.\\)$`));
  const early = { ...late, systemClockOffset: 3600e3 };
  await refused(list(new cognito.CognitoIdentityClient(early)), "InvalidSignatureException",
    new RegExp(`^Signature not yet current: ${stamp} is still later than ${stamp} \\(${stamp} \\+ 5 min\\.\\)$`));
  // What SDKs do about it: they set their clock by the Date of the refusal.
  assert.deepEqual((await list(new cognito.CognitoIdentityClient({ ...late, maxAttempts: 2 }))).IdentityPools, []);
});

test("every signed operation is refused without a signature", async () => {
  const open = ["GetCredentialsForIdentity", "GetId", "GetOpenIdToken", "UnlinkIdentity"];
  const signed = Object.keys(cognito).filter((name) => /^[A-Z].*Command$/.test(name)).map((name) => name.replace(/Command$/, "")).filter((op) => !open.includes(op));
  assert.equal(signed.length, 19);
  for (const op of signed)
    for (const headers of [{}, { authorization: "" }])
      assert.deepEqual(await raw(op, {}, headers), { status: 400, text: '{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}' }, op);
  for (const op of signed) {
    const answer = await raw(op, {}, { authorization: "AWS4-HMAC-SHA256 nonsense" });
    assert.equal(answer.status, 400, op);
    assert.match(answer.text, /^\{"__type":"IncompleteSignatureException"/, op);
  }
});

test("the four public operations need none", async () => {
  const anonymous = new cognito.CognitoIdentityClient(base);
  const made = await root.send(new cognito.CreateIdentityPoolCommand({ IdentityPoolName: "guests", AllowUnauthenticatedIdentities: true }));
  const id = JSON.parse((await raw("GetId", { IdentityPoolId: made.IdentityPoolId })).text).IdentityId;
  assert.match(id, /^us-east-1:/);
  assert.equal((await anonymous.send(new cognito.GetOpenIdTokenCommand({ IdentityId: id }))).IdentityId, id);
  // No role exists, so the pool's configuration is at fault, not the caller.
  await refused(anonymous.send(new cognito.GetCredentialsForIdentityCommand({ IdentityId: id })), "InvalidIdentityPoolConfigurationException",
    "Invalid identity pool configuration. Check assigned IAM roles for this pool.");
  await refused(anonymous.send(new cognito.UnlinkIdentityCommand({ IdentityId: id, Logins: {}, LoginsToRemove: ["x"] })), "NotAuthorizedException",
    "Logins don't match. Please include at least one valid login for this identity or identity pool.");
  // A signature that is not needed must still be right.
  const { accessKeyId } = await root.config.credentials();
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const wrong = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${stamp.slice(0, 8)}/us-east-1/cognito-identity/aws4_request, ` +
    `SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=${"0".repeat(64)}`;
  const signed = await raw("GetId", { IdentityPoolId: made.IdentityPoolId }, { authorization: wrong, "x-amz-date": stamp });
  assert.match(signed.text, /^\{"__type":"InvalidSignatureException","message":"The request signature we calculated does not match/);
  const role = "arn:aws:iam::000000000000:role/nobody";
  await refused(root.send(new cognito.SetIdentityPoolRolesCommand({ IdentityPoolId: made.IdentityPoolId, Roles: { authenticated: role } })), "NotAuthorizedException",
    `Access to Role '${role}' is forbidden.`);
});

test("the STS takes no token of an issuer that nobody registered", async () => {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const WebIdentityToken = [part({ alg: "RS256", kid: "1" }), part({ iss: "https://login.example.com", sub: "mallory", aud: "web", iat: now, exp: now + 600 }), part("")].join(".");
  await refused(new STSClient(base).send(new AssumeRoleWithWebIdentityCommand({ RoleArn: "arn:aws:iam::000000000000:role/any", RoleSessionName: "app", WebIdentityToken })),
    "InvalidIdentityTokenException", "No OpenIDConnect provider found in your account for https://login.example.com");
});

test("there is no development issuer", async () => {
  assert.equal((await fetch(`${endpoint}/dev/token`, { method: "POST", body: '{"sub":"alice"}' })).status, 404);
});
