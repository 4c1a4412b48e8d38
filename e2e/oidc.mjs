// A real OpenID Connect provider that is not ours (npm oidc-provider), and
// beside it one address of the tests' own that signs somebody in as a browser
// would and hands over the ID token:
//
//   GET /mint?sub=alice&client=web&alg=RS256&claims={"groups":["admins"]}  →  {"id_token": "…"}
//
// The claims it knows are those of extraClaims; a user pool's are among them.
// Prints one line when it is ready: the issuer.
import http from "node:http";
import { generateKeyPairSync, randomBytes, createHash } from "node:crypto";
import { Provider } from "oidc-provider";

const jwk = (kind, options, alg) => {
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: "jwk" }), use: "sig", alg, kid: `${alg}-1` };
};
const algs = ["RS256", "ES256"];
const keys = [jwk("rsa", { modulusLength: 2048 }, "RS256"), jwk("ec", { namedCurve: "P-256" }, "ES256")];
const extraClaims = ["groups", "department", "level", "token_use", "cognito:roles", "cognito:preferred_role"];
const wished = new Map(); // sub → the claims of the token that is being made
const turn = new Map(); // sub → when that is done: tests that run at once ask for tokens of the same people
const callback = "http://127.0.0.1/callback"; // nobody listens there; the code is read from the redirect
const clients = ["web", "mobile", "stranger"].flatMap((name) =>
  algs.map((alg) => ({
    client_id: alg === "RS256" ? name : `${name}-${alg}`,
    token_endpoint_auth_method: "none",
    redirect_uris: [callback],
    application_type: "native",
    grant_types: ["authorization_code"],
    response_types: ["code"],
    id_token_signed_response_alg: alg,
  })),
);

const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys },
    cookies: { keys: [randomBytes(16).toString("hex")] },
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
    claims: { openid: ["sub", ...extraClaims] },
    conformIdTokenClaims: false, // into the ID token with them
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, email: `${sub}@example.com`, ...wished.get(sub) }) }),
  });
  const handle = provider.callback();
  server.on("request", (req, res) => {
    const url = new URL(req.url, issuer);
    if (url.pathname !== "/mint") return handle(req, res);
    const sub = url.searchParams.get("sub");
    const minted = (turn.get(sub) ?? Promise.resolve()).then(() => mint(issuer, url.searchParams));
    turn.set(sub, minted.catch(() => {}));
    minted
      .then((body) => res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body)))
      .catch((err) => res.writeHead(500).end(String(err.stack)));
  });
  console.log(issuer);
});

// mint walks the authorization code flow (RFC 6749, 4.1, with RFC 7636).
async function mint(issuer, wish) {
  wished.set(wish.get("sub"), JSON.parse(wish.get("claims") ?? "{}"));
  const cookies = new Map();
  const visit = async (address, init = {}) => {
    const res = await fetch(new URL(address, issuer), {
      redirect: "manual",
      ...init,
      headers: { ...init.headers, cookie: [...cookies].map(([k, v]) => `${k}=${v}`).join("; ") },
    });
    for (const line of res.headers.getSetCookie()) {
      const [pair] = line.split(";");
      const at = pair.indexOf("=");
      cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return res;
  };
  const form = (fields) => ({
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(fields).toString(),
  });
  const client_id = wish.get("alg") && wish.get("alg") !== "RS256" ? `${wish.get("client")}-${wish.get("alg")}` : wish.get("client");
  const verifier = randomBytes(32).toString("base64url");
  let res = await visit(
    "/auth?" +
      new URLSearchParams({
        client_id,
        redirect_uri: callback,
        response_type: "code",
        scope: "openid",
        code_challenge: createHash("sha256").update(verifier).digest("base64url"),
        code_challenge_method: "S256",
      }),
  );
  for (let step = 0; step < 10; step++) {
    const to = res.headers.get("location");
    if (!to) throw new Error(`no redirect: ${res.status} ${await res.text()}`);
    if (to.startsWith(callback)) {
      const answer = new URL(to).searchParams;
      const code = answer.get("code");
      if (!code) throw new Error(`no code: ${answer}`);
      const token = await visit("/token", form({ grant_type: "authorization_code", client_id, code, redirect_uri: callback, code_verifier: verifier }));
      const body = await token.json();
      if (!body.id_token) throw new Error(JSON.stringify(body));
      return { id_token: body.id_token, access_token: body.access_token };
    }
    if (new URL(to, issuer).pathname.startsWith("/interaction/")) {
      const page = await (await visit(to)).text();
      const prompt = page.includes('name="login"') ? { prompt: "login", login: wish.get("sub"), password: "any" } : { prompt: "consent" };
      res = await visit(to, form(prompt));
    } else {
      res = await visit(to);
    }
  }
  throw new Error("the sign-in did not end");
}
