// The JavaScript SDK (v3) against a running server: every operation, for real.
// Run by clients_test.go, which passes ENDPOINT, ISSUER and USER_POOL: a user
// pool that lives at ISSUER too.
import test from "node:test";
import assert from "node:assert/strict";
import * as cognito from "@aws-sdk/client-cognito-identity";
import * as iam from "@aws-sdk/client-iam";
import { STSClient, GetCallerIdentityCommand, AssumeRoleWithWebIdentityCommand } from "@aws-sdk/client-sts";
import { fromCognitoIdentity, fromCognitoIdentityPool } from "@aws-sdk/credential-providers";
import { createRemoteJWKSet, jwtVerify, decodeJwt } from "jose";

const { ENDPOINT: endpoint, ISSUER: issuer, USER_POOL: userPool } = process.env;
const account = "000000000000";
const provider = issuer.replace("http://", "");
const providerArn = `arn:aws:iam::${account}:oidc-provider/${provider}`;
const roles = {
  authenticated: `arn:aws:iam::${account}:role/shopper`,
  unauthenticated: `arn:aws:iam::${account}:role/guest`,
};
const signed = { endpoint, region: "us-east-1", maxAttempts: 1, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
const answered = new Set(), refusals = new Set(); // operations of Cognito Identity, by what came of them
const identityClient = (config) => {
  const client = new cognito.CognitoIdentityClient(config);
  client.middlewareStack.add((next, { commandName }) => async (args) => {
    try {
      const answer = await next(args);
      answered.add(commandName);
      return answer;
    } catch (err) {
      refusals.add(commandName);
      throw err;
    }
  }, { step: "initialize" });
  return client;
};
const pools = identityClient(signed);
const anonymous = identityClient({ endpoint, region: "us-east-1", maxAttempts: 1 });

const mint = async (sub, client = "web", alg = "RS256", claims = {}) =>
  (await (await fetch(`${issuer}/mint?${new URLSearchParams({ sub, client, alg, claims: JSON.stringify(claims) })}`)).json()).id_token;

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
// roleOf is the name of the role that an answer's credentials are for.
async function roleOf({ Credentials: c }) {
  const credentials = { accessKeyId: c.AccessKeyId, secretAccessKey: c.SecretKey, sessionToken: c.SessionToken };
  const { Arn } = await new STSClient({ ...signed, credentials }).send(new GetCallerIdentityCommand({}));
  return Arn.split("/").at(-2);
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
  for (const [op, call] of Object.entries({
    TagResource: new cognito.TagResourceCommand({ ResourceArn: id, Tags: { a: "b" } }),
    UntagResource: new cognito.UntagResourceCommand({ ResourceArn: id, TagKeys: ["a"] }),
    ListTagsForResource: new cognito.ListTagsForResourceCommand({ ResourceArn: id }),
  })) await refused(pools.send(call), "AccessDeniedException", `User: arn:aws:iam::${account}:root is not authorized to perform: cognito-identity:${op} on resource: ${id}`);
  await refused(pools.send(new cognito.CreateIdentityPoolCommand({ IdentityPoolName: "x", AllowUnauthenticatedIdentities: true, SupportedLoginProviders: { "login.example.com": "1" } })),
    "InvalidParameterException", "(login.example.com) is not a supported login provider.");

  await pools.send(new cognito.DeleteIdentityPoolCommand({ IdentityPoolId: id }));
  await refused(pools.send(new cognito.DeleteIdentityPoolCommand({ IdentityPoolId: id })), "ResourceNotFoundException", `IdentityPool '${id}' not found.`);
  await refused(pools.send(new cognito.DescribeIdentityPoolCommand({ IdentityPoolId: id })), "ResourceNotFoundException", `IdentityPool '${id}' not found.`);
});

test("pools are listed page by page, without gaps or repeats", async () => {
  const client = identityClient({ ...signed, region: "eu-west-3" });
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
  const direct = await sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: roles.authenticated, RoleSessionName: "app", WebIdentityToken: token }));
  assert.deepEqual([direct.SubjectFromWebIdentityToken, direct.Audience, direct.Provider], ["alice", "web", providerArn], "development mode takes any issuer");
  await refused(sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: roles.authenticated, RoleSessionName: "app", WebIdentityToken: token.slice(0, -6) + "AAAAAA" })),
    "InvalidIdentityTokenException", /^Couldn't retrieve verification key from your identity provider/);
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
  assert.equal(await roleOf(await anonymous.send(new cognito.GetCredentialsForIdentityCommand({ IdentityId: guest }))), "guest");
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
  await refused(pools.send(new cognito.DescribeIdentityCommand({ IdentityId: guest })), "ResourceNotFoundException", `Identity '${guest}' not found.`);
  await refused(pools.send(new cognito.DeleteIdentitiesCommand({ IdentityIdsToDelete: Array(61).fill(guest) })), "ValidationException",
    /at 'identityIdsToDelete' failed to satisfy constraint: Member must have length less than or equal to 60$/);
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

test("a user of the pool's own back end", async () => {
  const IdentityPoolId = await makePool({ DeveloperProviderName: "login.shop" });
  const vouch = (user, more = {}) => pools.send(new cognito.GetOpenIdTokenForDeveloperIdentityCommand({ IdentityPoolId, Logins: { "login.shop": user }, ...more }));
  const { IdentityId, Token } = await vouch("u-1", { TokenDuration: 60, PrincipalTags: { plan: "gold" } });
  const { payload } = await jwtVerify(Token, createRemoteJWKSet(new URL(`${endpoint}/.well-known/jwks_uri`)), { issuer: endpoint, audience: IdentityPoolId, subject: IdentityId });
  assert.equal(payload.exp - payload.iat, 60);
  assert.deepEqual(payload.amr, ["authenticated", "login.shop", `login.shop:${IdentityPoolId}:u-1`]);
  assert.deepEqual(payload["https://aws.amazon.com/tags"], { principal_tags: { plan: ["gold"] } });
  const Logins = { "cognito-identity.amazonaws.com": Token };
  assert.equal(await roleOf(await anonymous.send(new cognito.GetCredentialsForIdentityCommand({ IdentityId, Logins }))), "shopper");
  const credentials = await fromCognitoIdentity({ identityId: IdentityId, logins: Logins, client: anonymous })();
  assert.equal(credentials.identityId, IdentityId);
  await refused(anonymous.send(new cognito.GetIdCommand({ IdentityPoolId, Logins })), "NotAuthorizedException", "Invalid login token. Can't pass in a Cognito token.");
  await refused(vouch("u-1", { Logins: { "login.other": "u-1" } }), "InvalidParameterException", "This identity pool does not support the specified developer provider");

  const second = (await vouch("u-2")).IdentityId;
  assert.notEqual(second, IdentityId);
  await refused(vouch("u-1", { IdentityId: second }), "DeveloperUserAlreadyRegisteredException");
  const lookUp = (more) => pools.send(new cognito.LookupDeveloperIdentityCommand({ IdentityPoolId, ...more }));
  assert.equal((await lookUp({ DeveloperUserIdentifier: "u-2" })).IdentityId, second);
  await refused(lookUp({ IdentityId, DeveloperUserIdentifier: "u-2" }), "ResourceConflictException");
  const merge = (SourceUserIdentifier) =>
    pools.send(new cognito.MergeDeveloperIdentitiesCommand({ IdentityPoolId, DeveloperProviderName: "login.shop", SourceUserIdentifier, DestinationUserIdentifier: "u-1" }));
  assert.equal((await merge("u-2")).IdentityId, IdentityId);
  await refused(merge("u-9"), "ResourceNotFoundException", "Developer user identifier 'u-9' not found.");
  assert.deepEqual((await lookUp({ IdentityId })).DeveloperUserIdentifierList, ["u-1", "u-2"]);
  const unlink = (id) =>
    pools.send(new cognito.UnlinkDeveloperIdentityCommand({ IdentityPoolId, IdentityId: id, DeveloperProviderName: "login.shop", DeveloperUserIdentifier: "u-2" }));
  await refused(unlink((await vouch("u-3")).IdentityId), "ResourceConflictException");
  await unlink(IdentityId);
  await refused(lookUp({ DeveloperUserIdentifier: "u-2" }), "ResourceNotFoundException");
  await refused(pools.send(new cognito.ListIdentitiesCommand({ IdentityPoolId, MaxResults: 0 })), "ValidationException",
    "1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1");
  await refused(anonymous.send(new cognito.UnlinkIdentityCommand({ IdentityId, Logins, LoginsToRemove: ["login.shop"] })), "NotAuthorizedException", "Invalid login token. Can't pass in a Cognito token.");
});

test("claims choose a role and become tags", async () => {
  const IdentityPoolId = await makePool({ CognitoIdentityProviders: [{ ProviderName: userPool, ClientId: "web" }] });
  const named = (name) => `arn:aws:iam::${account}:role/${name}`;
  const rule = (Claim, MatchType, Value, name) => ({ Claim, MatchType, Value, RoleARN: named(name) });
  const RoleMappings = {
    [providerArn]: { Type: "Rules", AmbiguousRoleResolution: "Deny", RulesConfiguration: { Rules: [rule("groups", "Equals", "admins", "admin"), rule("department", "StartsWith", "eng", "engineer")] } },
    [`${userPool}:web`]: { Type: "Token", AmbiguousRoleResolution: "AuthenticatedRole" },
  };
  await pools.send(new cognito.SetIdentityPoolRolesCommand({ IdentityPoolId, Roles: roles, RoleMappings }));
  assert.deepEqual((await pools.send(new cognito.GetIdentityPoolRolesCommand({ IdentityPoolId }))).RoleMappings, RoleMappings);
  await refused(pools.send(new cognito.GetIdentityPoolRolesCommand({ IdentityPoolId: IdentityPoolId.replace(/....$/, "0000") })), "ResourceNotFoundException");
  const become = async (Logins, CustomRoleArn) => {
    const { IdentityId } = await anonymous.send(new cognito.GetIdCommand({ IdentityPoolId, Logins }));
    return roleOf(await anonymous.send(new cognito.GetCredentialsForIdentityCommand({ IdentityId, Logins, CustomRoleArn })));
  };
  const both = { [provider]: await mint("fay", "web", "ES256", { groups: ["admins"], department: "engines" }) };
  assert.equal(await become(both), "admin");
  assert.equal(await become(both, named("engineer")), "engineer");
  await refused(become(both, named("owner")), "NotAuthorizedException", `The role ${named("owner")} is not among those that the login token offers.`);
  const none = { [provider]: await mint("fay") };
  await refused(become(none), "NotAuthorizedException", `The ambiguous role mapping rules for: ${provider} denied this request.`);
  const fromUserPool = async (claims) => ({ [userPool]: await mint("flo", "web", "RS256", { token_use: "id", ...claims }) });
  const offered = [named("reader"), named("writer")];
  assert.equal(await become(await fromUserPool({ "cognito:roles": offered, "cognito:preferred_role": offered[1] })), "writer");
  assert.equal(await become(await fromUserPool({ "cognito:roles": offered })), "shopper");
  const { IdentityId } = await anonymous.send(new cognito.GetIdCommand({ IdentityPoolId, Logins: both }));
  await refused(anonymous.send(new cognito.GetOpenIdTokenCommand({ IdentityId, Logins: both })), "InvalidParameterException",
    "Basic (classic) flow is not supported with RoleMappings, please use enhanced flow.");

  await pools.send(new cognito.SetIdentityPoolRolesCommand({ IdentityPoolId, Roles: roles }));
  const names = { IdentityPoolId, IdentityProviderName: providerArn };
  const tags = async (Logins) => decodeJwt((await anonymous.send(new cognito.GetOpenIdTokenCommand({ IdentityId, Logins }))).Token)["https://aws.amazon.com/tags"];
  assert.equal(await tags(both), undefined);
  const map = { ...names, UseDefaults: false, PrincipalTags: { dept: "department" } };
  const strip = ({ $metadata, ...rest }) => rest;
  assert.deepEqual(strip(await pools.send(new cognito.SetPrincipalTagAttributeMapCommand(map))), map);
  assert.deepEqual(strip(await pools.send(new cognito.GetPrincipalTagAttributeMapCommand(names))), map);
  assert.deepEqual(await tags(both), { principal_tags: { dept: ["engines"] } });
  assert.equal(await tags(none), undefined);
  await pools.send(new cognito.SetPrincipalTagAttributeMapCommand({ ...names, UseDefaults: true, PrincipalTags: {} }));
  assert.deepEqual(await tags(none), { principal_tags: { client: ["web"], username: ["fay"] } });
  const other = { ...names, IdentityProviderName: "graph.facebook.com" }, message = "(graph.facebook.com) is not a configured provider.";
  await refused(pools.send(new cognito.SetPrincipalTagAttributeMapCommand(other)), "InvalidParameterException", message);
  await refused(pools.send(new cognito.GetPrincipalTagAttributeMapCommand(other)), "ResourceNotFoundException", message);
});

test("an operation that does not exist is unknown, not broken", async () => {
  const answer = await fetch(endpoint, { method: "POST", body: "{}", headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AWSCognitoIdentityService.GetEverything" } });
  assert.equal(answer.status, 400);
  assert.equal((await answer.json()).__type, "UnknownOperationException");
  await refused(new iam.IAMClient(signed).send(new iam.ListServerCertificatesCommand({})), "InvalidAction", "Could not find operation ListServerCertificates for version 2010-05-08");
});

test("every operation was answered and refused", () => {
  const operations = Object.keys(cognito).filter((name) => /^[A-Z].*Command$/.test(name));
  assert.equal(operations.length, 23);
  assert.deepEqual(operations.filter((op) => !answered.has(op)), []);
  assert.deepEqual(operations.filter((op) => !refusals.has(op)), []);
});
