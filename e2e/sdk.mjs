// The JavaScript SDK (v3) against a running server: every operation, for real.
// Run by clients_test.go, which passes ENDPOINT and ISSUER.
import test from "node:test";
import assert from "node:assert/strict";
import * as cognito from "@aws-sdk/client-cognito-identity";
import * as iam from "@aws-sdk/client-iam";
import { STSClient, GetCallerIdentityCommand, AssumeRoleWithWebIdentityCommand } from "@aws-sdk/client-sts";
import { fromCognitoIdentity, fromCognitoIdentityPool } from "@aws-sdk/credential-providers";
import { createRemoteJWKSet, jwtVerify, decodeJwt } from "jose";

const { ENDPOINT: endpoint, ISSUER: issuer } = process.env;
const account = "000000000000";
const provider = issuer.replace("http://", "");
const providerArn = `arn:aws:iam::${account}:oidc-provider/${provider}`;
const roles = {
  authenticated: `arn:aws:iam::${account}:role/shopper`,
  unauthenticated: `arn:aws:iam::${account}:role/guest`,
};
const signed = { endpoint, region: "us-east-1", maxAttempts: 1, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
const pools = new cognito.CognitoIdentityClient(signed);
const anonymous = new cognito.CognitoIdentityClient({ endpoint, region: "us-east-1", maxAttempts: 1 });

const mint = async (sub, client = "web", alg = "RS256") =>
  (await (await fetch(`${issuer}/mint?sub=${sub}&client=${client}&alg=${alg}`)).json()).id_token;

// refused asserts the error's name and its exact text.
const refused = (call, name, message) =>
  assert.rejects(call, (err) => {
    assert.equal(err.name, name, `${err.name}: ${err.message}`);
    if (message instanceof RegExp) assert.match(err.message, message);
    else if (message !== undefined) assert.equal(err.message, message);
    return true;
  });

async function makePool(extra = {}) {
  const pool = await pools.send(
    new cognito.CreateIdentityPoolCommand({
      IdentityPoolName: "js",
      AllowUnauthenticatedIdentities: true,
      OpenIdConnectProviderARNs: [providerArn],
      ...extra,
    }),
  );
  await pools.send(new cognito.SetIdentityPoolRolesCommand({ IdentityPoolId: pool.IdentityPoolId, Roles: roles }));
  return pool.IdentityPoolId;
}
const getId = (IdentityPoolId, token) =>
  anonymous
    .send(new cognito.GetIdCommand({ IdentityPoolId, Logins: token ? { [provider]: token } : {} }))
    .then((out) => out.IdentityId);

test("a pool is made, described, changed, tagged, listed and deleted", async () => {
  const made = await pools.send(
    new cognito.CreateIdentityPoolCommand({
      IdentityPoolName: "shop one",
      AllowUnauthenticatedIdentities: false,
      AllowClassicFlow: false,
      SupportedLoginProviders: { "graph.facebook.com": "7346241598935552" },
      DeveloperProviderName: "login.shop",
      OpenIdConnectProviderARNs: [providerArn],
      CognitoIdentityProviders: [{ ProviderName: "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab129faBb", ClientId: "7lhlkkfbfb4q5kpp90urffao" }],
      IdentityPoolTags: { team: "blue" },
    }),
  );
  const id = made.IdentityPoolId;
  assert.match(id, /^us-east-1:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.deepEqual(made.IdentityPoolTags, { team: "blue" });
  assert.equal(made.CognitoIdentityProviders[0].ServerSideTokenCheck, false);
  const strip = ({ $metadata, ...rest }) => rest;
  const described = await pools.send(new cognito.DescribeIdentityPoolCommand({ IdentityPoolId: id }));
  assert.deepEqual(strip(described), strip(made));

  const updated = await pools.send(
    new cognito.UpdateIdentityPoolCommand({ IdentityPoolId: id, IdentityPoolName: "shop two", AllowUnauthenticatedIdentities: true }),
  );
  assert.equal(updated.IdentityPoolName, "shop two");
  assert.equal(updated.DeveloperProviderName, "login.shop");
  assert.deepEqual(updated.IdentityPoolTags, { team: "blue" });
  assert.equal(updated.OpenIdConnectProviderARNs, undefined);
  assert.equal(updated.AllowClassicFlow, undefined);
  await refused(
    pools.send(new cognito.UpdateIdentityPoolCommand({ IdentityPoolId: id, IdentityPoolName: "x", AllowUnauthenticatedIdentities: true, DeveloperProviderName: "other" })),
    "InvalidParameterException",
  );

  const ResourceArn = `arn:aws:cognito-identity:us-east-1:${account}:identitypool/${id}`;
  await pools.send(new cognito.TagResourceCommand({ ResourceArn, Tags: { team: "red", cost: "" } }));
  await pools.send(new cognito.UntagResourceCommand({ ResourceArn, TagKeys: ["cost", "never"] }));
  assert.deepEqual((await pools.send(new cognito.ListTagsForResourceCommand({ ResourceArn }))).Tags, { team: "red" });
  await refused(pools.send(new cognito.ListTagsForResourceCommand({ ResourceArn: id })), "AccessDeniedException",
    `User: arn:aws:iam::${account}:root is not authorized to perform: cognito-identity:ListTagsForResource on resource: ${id}`);

  await pools.send(new cognito.DeleteIdentityPoolCommand({ IdentityPoolId: id }));
  await refused(pools.send(new cognito.DeleteIdentityPoolCommand({ IdentityPoolId: id })), "ResourceNotFoundException", `IdentityPool '${id}' not found.`);
  await refused(pools.send(new cognito.DescribeIdentityPoolCommand({ IdentityPoolId: id })), "ResourceNotFoundException", `IdentityPool '${id}' not found.`);
});

test("pools are listed page by page, without gaps or repeats", async () => {
  const client = new cognito.CognitoIdentityClient({ ...signed, region: "eu-west-3" });
  const made = [];
  for (let i = 0; i < 25; i++)
    made.push((await client.send(new cognito.CreateIdentityPoolCommand({ IdentityPoolName: `p${i}`, AllowUnauthenticatedIdentities: false }))).IdentityPoolId);
  for (const pageSize of [1, 7, 25, 60]) {
    const seen = [];
    for await (const page of cognito.paginateListIdentityPools({ client, pageSize }, { MaxResults: pageSize })) seen.push(...page.IdentityPools.map((p) => p.IdentityPoolId));
    assert.deepEqual(seen, made, `page size ${pageSize}`);
  }
  const first = await client.send(new cognito.ListIdentityPoolsCommand({ MaxResults: 3 }));
  await refused(pools.send(new cognito.ListIdentityPoolsCommand({ MaxResults: 3, NextToken: first.NextToken })), "InvalidParameterException");
  await refused(client.send(new cognito.ListIdentityPoolsCommand({ MaxResults: 61 })), "ValidationException",
    "1 validation error detected: Value '61' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 60");
  await refused(client.send(new cognito.ListIdentityPoolsCommand({})), "ValidationException",
    "1 validation error detected: Value null at 'maxResults' failed to satisfy constraint: Member must not be null");
});

test("roles are set and read", async () => {
  const pool = (await pools.send(new cognito.CreateIdentityPoolCommand({ IdentityPoolName: "r", AllowUnauthenticatedIdentities: true }))).IdentityPoolId;
  assert.equal((await pools.send(new cognito.GetIdentityPoolRolesCommand({ IdentityPoolId: pool }))).Roles, undefined);
  await pools.send(new cognito.SetIdentityPoolRolesCommand({ IdentityPoolId: pool, Roles: roles }));
  assert.deepEqual((await pools.send(new cognito.GetIdentityPoolRolesCommand({ IdentityPoolId: pool }))).Roles, roles);
  await pools.send(new cognito.SetIdentityPoolRolesCommand({ IdentityPoolId: pool, Roles: {} }));
  const guest = await getId(pool);
  await refused(anonymous.send(new cognito.GetCredentialsForIdentityCommand({ IdentityId: guest })), "InvalidIdentityPoolConfigurationException",
    "Invalid identity pool configuration. Check assigned IAM roles for this pool.");
  await refused(pools.send(new cognito.SetIdentityPoolRolesCommand({ IdentityPoolId: pool, Roles: { authenticated: "this is not the ARN of a role" } })),
    "NotAuthorizedException", "Access to Role 'this is not the ARN of a role' is forbidden.");
  await refused(pools.send(new cognito.SetIdentityPoolRolesCommand({ IdentityPoolId: pool, Roles: { admin: roles.authenticated } })), "ValidationException",
    /Map keys must satisfy constraint: \[.*Member must satisfy regular expression pattern: \(un\)\?authenticated\]$/);
});

test("a person's token becomes credentials that sign", async () => {
  const pool = await makePool();
  const token = await mint("alice");
  const id = await getId(pool, token);
  assert.equal(await getId(pool, await mint("alice", "mobile")), id, "another application of the same provider");
  assert.equal(await getId(pool, await mint("alice", "web", "ES256")), id, "another algorithm");
  assert.notEqual(await getId(pool, await mint("bob")), id);

  const credentials = await fromCognitoIdentityPool({
    identityPoolId: pool, logins: { [provider]: token }, clientConfig: { endpoint, region: "us-east-1" }, client: anonymous,
  })();
  assert.equal(credentials.identityId, id);
  const who = await new STSClient({ ...signed, credentials }).send(new GetCallerIdentityCommand({}));
  assert.equal(who.Arn, `arn:aws:sts::${account}:assumed-role/shopper/CognitoIdentityCredentials`);
  assert.equal(who.Account, account);
  assert.match(who.UserId, /^AROA[A-Z2-7]{17}:CognitoIdentityCredentials$/);
  const again = await fromCognitoIdentity({ identityId: id, logins: { [provider]: token }, clientConfig: { endpoint, region: "us-east-1" }, client: anonymous })();
  assert.notEqual(again.accessKeyId, credentials.accessKeyId, "each call makes new credentials");
  const left = credentials.expiration - Date.now();
  assert.ok(left > 3500e3 && left < 3700e3, `expires in ${left} ms`);

  const seen = await pools.send(new cognito.DescribeIdentityCommand({ IdentityId: id }));
  assert.deepEqual(seen.Logins, [provider]);
  assert.ok(seen.CreationDate <= new Date() && seen.CreationDate > new Date(Date.now() - 600e3));
});

test("the classic flow: a token of ours, taken to the STS", async () => {
  const pool = await makePool();
  const token = await mint("alice");
  const id = await getId(pool, token);
  const { Token } = await anonymous.send(new cognito.GetOpenIdTokenCommand({ IdentityId: id, Logins: { [provider]: token } }));
  const { payload, protectedHeader } = await jwtVerify(Token, createRemoteJWKSet(new URL(`${endpoint}/.well-known/jwks_uri`)), { issuer: endpoint, audience: pool });
  assert.equal(protectedHeader.alg, "RS512");
  assert.equal(protectedHeader.typ, "JWS");
  assert.equal(protectedHeader.kid, "us-east-11");
  assert.equal(payload.sub, id);
  assert.equal(payload.exp - payload.iat, 600);
  assert.deepEqual(payload.amr, ["authenticated", provider, `${providerArn}:OIDC:alice`]);
  assert.equal(payload["https://cognito-identity.amazonaws.com/identity-pool-arn"], `arn:aws:cognito-identity:us-east-1:${account}:identitypool/${pool}`);

  const sts = new STSClient({ endpoint, region: "us-east-1", maxAttempts: 1 });
  const assumed = await sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: roles.authenticated, RoleSessionName: "app", WebIdentityToken: Token, DurationSeconds: 900 }));
  assert.equal(assumed.SubjectFromWebIdentityToken, id);
  assert.equal(assumed.Audience, pool);
  assert.equal(assumed.Provider, "cognito-identity.amazonaws.com");
  assert.equal(assumed.AssumedRoleUser.Arn, `arn:aws:sts::${account}:assumed-role/shopper/app`);
  await refused(sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: roles.authenticated, RoleSessionName: "app", WebIdentityToken: token })),
    "InvalidIdentityTokenException", `No OpenIDConnect provider found in your account for ${issuer}`);
  await refused(sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: roles.authenticated, RoleSessionName: "a", WebIdentityToken: Token })),
    "ValidationError", "1 validation error detected: Value 'a' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2");
  await pools.send(new cognito.DeleteIdentitiesCommand({ IdentityIdsToDelete: [id] }));
  await refused(sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: roles.authenticated, RoleSessionName: "app", WebIdentityToken: Token })),
    "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");

  const guarded = await makePool({ AllowClassicFlow: false });
  const guest = await getId(guarded);
  await refused(anonymous.send(new cognito.GetOpenIdTokenCommand({ IdentityId: guest })), "InvalidParameterException",
    "Basic (classic) flow is not enabled, please use enhanced flow.");
});

test("a guest is upgraded and keeps the ID; a second guest is merged away", async () => {
  const pool = await makePool();
  const guest = await getId(pool);
  assert.notEqual(await getId(pool), guest, "each guest is a new one");
  const session = await anonymous.send(new cognito.GetCredentialsForIdentityCommand({ IdentityId: guest }));
  const who = await new STSClient({ ...signed, credentials: { accessKeyId: session.Credentials.AccessKeyId, secretAccessKey: session.Credentials.SecretKey, sessionToken: session.Credentials.SessionToken } }).send(new GetCallerIdentityCommand({}));
  assert.equal(who.Arn, `arn:aws:sts::${account}:assumed-role/guest/CognitoIdentityCredentials`);
  const token = await mint("carol");
  const Logins = { [provider]: token };
  const upgraded = await anonymous.send(new cognito.GetCredentialsForIdentityCommand({ IdentityId: guest, Logins }));
  assert.equal(upgraded.IdentityId, guest);
  assert.equal(await getId(pool, token), guest);
  const forbidden = `Access to Identity '${guest}' is forbidden.`;
  await refused(anonymous.send(new cognito.GetCredentialsForIdentityCommand({ IdentityId: guest })), "NotAuthorizedException", forbidden);
  await refused(anonymous.send(new cognito.GetCredentialsForIdentityCommand({ IdentityId: guest, Logins: { [provider]: await mint("dave") } })), "NotAuthorizedException",
    "Logins don't match. Please include at least one valid login for this identity or identity pool.");

  const second = await getId(pool);
  const merged = await anonymous.send(new cognito.GetOpenIdTokenCommand({ IdentityId: second, Logins }));
  assert.equal(merged.IdentityId, guest, "the identity with the login survives");
  await refused(anonymous.send(new cognito.GetOpenIdTokenCommand({ IdentityId: second, Logins })), "NotAuthorizedException", `Access to Identity '${second}' is forbidden.`);

  await anonymous.send(new cognito.UnlinkIdentityCommand({ IdentityId: guest, Logins, LoginsToRemove: [provider] }));
  await refused(anonymous.send(new cognito.GetCredentialsForIdentityCommand({ IdentityId: guest, Logins })), "NotAuthorizedException", forbidden);
  assert.notEqual(await getId(pool, token), guest, "an unlinked login is a new person");

  const all = await pools.send(new cognito.ListIdentitiesCommand({ IdentityPoolId: pool, MaxResults: 60 }));
  const active = await pools.send(new cognito.ListIdentitiesCommand({ IdentityPoolId: pool, MaxResults: 60, HideDisabled: true }));
  assert.equal(all.Identities.length, active.Identities.length + 2);
  const deleted = await pools.send(new cognito.DeleteIdentitiesCommand({ IdentityIdsToDelete: all.Identities.map((i) => i.IdentityId) }));
  assert.deepEqual(deleted.UnprocessedIdentityIds, []);
  await refused(anonymous.send(new cognito.GetCredentialsForIdentityCommand({ IdentityId: guest })), "ResourceNotFoundException", `Identity '${guest}' not found.`);
});

test("IAM decides whose tokens count", async () => {
  const client = new iam.IAMClient(signed);
  const OpenIDConnectProviderArn = providerArn;
  const made = await client.send(new iam.CreateOpenIDConnectProviderCommand({ Url: issuer, ClientIDList: ["web"], ThumbprintList: ["a".repeat(40)], Tags: [{ Key: "team", Value: "blue" }] }));
  assert.equal(made.OpenIDConnectProviderArn, providerArn);
  try {
    await refused(client.send(new iam.CreateOpenIDConnectProviderCommand({ Url: issuer })), "EntityAlreadyExistsException", `Provider with url ${issuer} already exists.`);
    const held = await client.send(new iam.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn }));
    assert.equal(held.Url, provider);
    assert.deepEqual(held.ClientIDList, ["web"]);
    assert.deepEqual(held.ThumbprintList, ["a".repeat(40)]);
    assert.ok(held.CreateDate instanceof Date);
    assert.ok((await client.send(new iam.ListOpenIDConnectProvidersCommand({}))).OpenIDConnectProviderList.some((p) => p.Arn === providerArn));

    const pool = await makePool();
    const id = await getId(pool, await mint("erin"));
    const unsupported = "Token is not from a supported provider of this identity pool.";
    await refused(getId(pool, await mint("erin", "mobile")), "NotAuthorizedException", unsupported);
    await client.send(new iam.AddClientIDToOpenIDConnectProviderCommand({ OpenIDConnectProviderArn, ClientID: "mobile" }));
    assert.equal(await getId(pool, await mint("erin", "mobile")), id);
    await client.send(new iam.RemoveClientIDFromOpenIDConnectProviderCommand({ OpenIDConnectProviderArn, ClientID: "web" }));
    await refused(getId(pool, await mint("erin")), "NotAuthorizedException", unsupported);
    await client.send(new iam.UpdateOpenIDConnectProviderThumbprintCommand({ OpenIDConnectProviderArn, ThumbprintList: ["b".repeat(40)] }));
    assert.deepEqual((await client.send(new iam.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn }))).ThumbprintList, ["b".repeat(40)]);
    await refused(client.send(new iam.CreateOpenIDConnectProviderCommand({ Url: "not an address" })), "ValidationError", "Invalid Open ID Connect Provider URL");
  } finally {
    await client.send(new iam.DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn }));
  }
  await refused(client.send(new iam.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn })), "NoSuchEntityException", `OpenIDConnect Provider not found for arn ${providerArn}`);
});

test("bad tokens are refused, in the hosted service's words", async () => {
  const pool = await makePool();
  const token = await mint("mallory");
  const [header, payload, signature] = token.split(".");
  const claims = decodeJwt(token);
  const forge = (changes) => [header, Buffer.from(JSON.stringify({ ...claims, ...changes })).toString("base64url"), signature].join(".");
  const cases = {
    "Invalid login token. Not a valid OpenId Connect identity token.": ["x", "a.b", "a.b.c.d", `${header}.${payload}.`],
    "Invalid login token. Couldn't verify signed token.": [forge({ sub: "alice" }), forge({ exp: claims.exp + 1 })],
    "Invalid login token. Issuer doesn't match providerName": [forge({ iss: "https://evil.example" }), forge({ iss: issuer + "/" })],
    "Invalid login token. Missing a required claim: aud": [forge({ aud: undefined })],
  };
  for (const [message, tokens] of Object.entries(cases)) for (const bad of tokens) await refused(getId(pool, bad), "NotAuthorizedException", message);
  const own = await anonymous.send(new cognito.GetOpenIdTokenCommand({ IdentityId: await getId(pool, token), Logins: { [provider]: token } }));
  await refused(getId(pool, own.Token), "NotAuthorizedException", "Invalid login token. Can't pass in a Cognito token.");
  await refused(anonymous.send(new cognito.GetIdCommand({ IdentityPoolId: pool, Logins: { "accounts.google.com": token } })), "NotAuthorizedException",
    "Token is not from a supported provider of this identity pool.");
  await refused(anonymous.send(new cognito.GetIdCommand({ IdentityPoolId: pool, Logins: { [provider]: "x".repeat(50001) } })), "ValidationException",
    `1 validation error detected: Value '{${provider}=}' at 'logins' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 50000, Member must have length greater than or equal to 1]`);
  const closed = await makePool({ AllowUnauthenticatedIdentities: false });
  await refused(getId(closed), "NotAuthorizedException", "Unauthenticated access is not supported for this identity pool.");
  const bare = (await pools.send(new cognito.CreateIdentityPoolCommand({ IdentityPoolName: "bare", AllowUnauthenticatedIdentities: true }))).IdentityPoolId;
  await refused(getId(bare, token), "NotAuthorizedException", `Identity pool - ${bare} does not have identity providers configured.`);
  await refused(getId("us-east-1:00000000-0000-4000-8000-000000000000"), "ResourceNotFoundException", "IdentityPool 'us-east-1:00000000-0000-4000-8000-000000000000' not found.");
});

test("an operation that is not built yet is unknown, not broken", async () => {
  await refused(pools.send(new cognito.LookupDeveloperIdentityCommand({ IdentityPoolId: "us-east-1:00000000-0000-4000-8000-000000000000", IdentityId: "us-east-1:00000000-0000-4000-8000-000000000000" })), "UnknownOperationException");
  await refused(new iam.IAMClient(signed).send(new iam.ListUsersCommand({})), "InvalidAction", "Could not find operation ListUsers for version 2010-05-08");
});
