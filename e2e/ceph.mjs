// The JavaScript SDK (v3) at work on an S3 store with what people get from a pool,
// by its ordinary credential providers. Run by ceph_test.go, which passes ENDPOINT
// of idpool, STORE, PROVIDER, the pool of ALICE and guests (POOL), that of BOB and
// CAROL (STAFF), and the tokens of the three.
import test from "node:test";
import assert from "node:assert/strict";
import { CognitoIdentityClient, GetIdCommand, GetOpenIdTokenCommand } from "@aws-sdk/client-cognito-identity";
import { S3Client, PutObjectCommand, GetObjectCommand } from "@aws-sdk/client-s3";
import { fromCognitoIdentity, fromCognitoIdentityPool, fromWebToken } from "@aws-sdk/credential-providers";

const { ENDPOINT: endpoint, STORE: store, PROVIDER: provider, POOL: shop, STAFF: staff, ALICE, BOB, CAROL } = process.env;
const region = "us-east-1";
const identities = new CognitoIdentityClient({ endpoint, region });
const somebody = (identityPoolId, token) => ({ identityPoolId, logins: { [provider]: token } });
const [alice, bob, carol, guest] = [somebody(shop, ALICE), somebody(staff, BOB), somebody(staff, CAROL), { identityPoolId: shop }];
const idOf = async ({ identityPoolId, logins }) => (await identities.send(new GetIdCommand({ IdentityPoolId: identityPoolId, Logins: logins }))).IdentityId;

// The enhanced flow, by the pool and by the identity.
const byPool = (person) => fromCognitoIdentityPool({ ...person, clientConfig: { endpoint, region } });
const byIdentity = async (person) => fromCognitoIdentity({ identityId: await idOf(person), logins: person.logins, clientConfig: { endpoint, region } });

// The classic flow: the pool's OpenID token, to the STS of the store.
const classic = async (person, role) => {
  const { Token: webIdentityToken } = await identities.send(new GetOpenIdTokenCommand({ IdentityId: await idOf(person), Logins: person.logins }));
  return fromWebToken({ webIdentityToken, roleArn: `arn:aws:iam:::role/${role}`, roleSessionName: "js", clientConfig: { endpoint: store, region } });
};

const client = (credentials) => new S3Client({ endpoint: store, region, forcePathStyle: true, maxAttempts: 1, credentials });
const put = (s3, Key, Body) => s3.send(new PutObjectCommand({ Bucket: "shop", Key, Body }));
const get = async (s3, Key) => (await s3.send(new GetObjectCommand({ Bucket: "shop", Key }))).Body.transformToString();
// The SDK cannot name what RGW's STS says, but for its status.
const refused = (call, name = "AccessDenied") =>
  assert.rejects(call, (err) => (assert.deepEqual([err.name, err.$metadata?.httpStatusCode], [name, 403], err.message), true));

for (const [name, credentials] of Object.entries({
  "alice, enhanced flow by the pool": async () => byPool(alice),
  "alice, enhanced flow by the identity": () => byIdentity(alice),
  "alice, classic flow": () => classic(alice, "customer"),
}))
  test(`${name}: puts and gets`, async () => {
    const s3 = client(await credentials());
    const said = `${name}, ${Date.now()}`;
    await put(s3, `js/${name}`, said);
    assert.equal(await get(s3, `js/${name}`), said);
  });

for (const [name, credentials] of Object.entries({
  "bob, enhanced flow by the pool": async () => byPool(bob),
  "guest, enhanced flow by the pool": async () => byPool(guest),
  "guest, classic flow": () => classic(guest, "visitor"),
}))
  test(`${name}: gets, and must not put`, async () => {
    const s3 = client(await credentials());
    await refused(put(s3, "hello.txt", name));
    assert.equal(await get(s3, "hello.txt"), "hello\n");
  });

for (const [name, credentials, said] of [
  ["carol, who is of another department", async () => byPool(carol)],
  ["guest who wants more", () => classic(guest, "customer"), "Unknown"],
])
  test(`${name}: must not put or get`, async () => {
    const s3 = client(await credentials());
    await refused(put(s3, "hello.txt", name), said);
    await refused(get(s3, "hello.txt"), said);
  });
