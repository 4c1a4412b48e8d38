// The same back end as main.go, in JavaScript: it signs people in with its own
// passwords and vouches for them at an identity pool.
//
//   POST /login {"user":"ann","password":"…"}  →  {"identityId":"…","token":"…"}
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { CognitoIdentityClient, GetOpenIdTokenForDeveloperIdentityCommand } from "@aws-sdk/client-cognito-identity";

const hash = (password) => createHash("sha256").update(password).digest();
const people = new Map([["ann", hash("correct horse")], ["bob", hash("battery staple")]]);
const { POOL, PROVIDER, LISTEN = "127.0.0.1:8080" } = process.env;
const cognito = new CognitoIdentityClient({}); // endpoint, region and key: the AWS environment

async function login(request) {
  let user, password;
  try {
    if (!(request.headers["content-length"] <= 4096)) throw new Error("too long, or of unknown length");
    ({ user, password } = JSON.parse(await text(request)));
    password = hash(password);
  } catch {
    return [400, { message: "send user and password" }];
  }
  const known = people.get(user);
  if (!known || !timingSafeEqual(known, password)) return [401, { message: "wrong user or password" }];
  try {
    const out = await cognito.send(new GetOpenIdTokenForDeveloperIdentityCommand({
      IdentityPoolId: POOL, Logins: { [PROVIDER]: user }, TokenDuration: 300,
    }));
    return [200, { identityId: out.IdentityId, token: out.Token }];
  } catch (err) {
    console.error(err.message);
    return [502, { message: "the identity pool cannot be asked" }];
  }
}

const server = createServer(async (request, response) => {
  const [status, body] = request.method === "POST" && request.url === "/login" ? await login(request) : [404, {}];
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
});
const [host, port] = LISTEN.split(":");
server.listen(Number(port), host, () => console.log(`ready on http://${host}:${server.address().port}`));
