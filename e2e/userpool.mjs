// A Cognito user pool that is not ours (npm cognito-local): the user pool
// us-east-1_Ab12Cd34E, whose tokens say that they are AWS's. Prints one line when
// it is ready: the address of its API. Its data lives in the folder given.
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { createDefaultServer } = require("cognito-local/lib/server");
const pino = createRequire(require.resolve("cognito-local/package.json"))("pino");

process.chdir(process.argv[2]);
mkdirSync(".cognito/db", { recursive: true });
const write = (name, value) => writeFileSync(`.cognito/${name}.json`, JSON.stringify(value));
write("config", {
  ServerConfig: { hostname: "127.0.0.1", port: 0 },
  TokenConfig: { IssuerDomain: "https://cognito-idp.us-east-1.amazonaws.com" },
});
write("db/us-east-1_Ab12Cd34E", { Options: { Id: "us-east-1_Ab12Cd34E", Name: "people" }, Users: {} });

const server = await (await createDefaultServer(pino({ level: "silent" }))).start();
console.log(`http://127.0.0.1:${server.address().port}`);
