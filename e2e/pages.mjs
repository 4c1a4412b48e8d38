// The JavaScript SDK's paginator on a thousand pools, with every page size, while
// others make and delete pools. Run by pages_test.go, which passes ENDPOINT and
// STAY: a file with the IDs of the pools that stay.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { CognitoIdentityClient, DeleteIdentityPoolCommand, ResourceNotFoundException, paginateListIdentityPools } from "@aws-sdk/client-cognito-identity";

const stay = JSON.parse(readFileSync(process.env.STAY, "utf8"));
const staying = new Set(stay);
const client = new CognitoIdentityClient({ endpoint: process.env.ENDPOINT, region: "us-east-1", maxAttempts: 1 });
// remove deletes a pool and tells whether it was there still.
const remove = (IdentityPoolId) =>
  client.send(new DeleteIdentityPoolCommand({ IdentityPoolId })).then(
    () => true,
    (err) => {
      if (err instanceof ResourceNotFoundException) return false;
      throw err;
    },
  );
let others = 0, cut = 0;
for (let pageSize = 1; pageSize <= 60; pageSize++) {
  const pages = [];
  let deleted = false;
  for await (const page of paginateListIdentityPools({ client, pageSize }, { MaxResults: pageSize })) {
    const ids = page.IdentityPools.map((p) => p.IdentityPoolId);
    pages.push(ids);
    if (!deleted && ids.length > 0 && !staying.has(ids.at(-1))) deleted = await remove(ids.at(-1));
  }
  const seen = pages.flat();
  assert.ok(pages.slice(0, -1).every((page) => page.length === pageSize) && pages.at(-1).length <= pageSize, `page size ${pageSize}: pages but the last are full`);
  assert.equal(new Set(seen).size, seen.length, `page size ${pageSize}: a pool twice`);
  assert.deepEqual(seen.filter((pool) => staying.has(pool)), stay, `page size ${pageSize}`);
  others += seen.length - stay.length;
  cut += deleted;
}
assert.ok(others > 0, "no pool was there that did not stay");
assert.ok(cut > 20, "few passes in which the last pool of a page was deleted");
