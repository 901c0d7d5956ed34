// Unmodified MSAL for single-page applications, in a page of another origin and in headless Chromium: the package's
// own build for pages, as a script element loads it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { AUTHORITY, Checks, READ, TENANT, URL_, claims, env } from "./checks.mjs";
import { enterPassword, launch } from "./sign-in.mjs";

const COMMAND_LINE = "6c1d2f0a-3b7e-4c58-9a41-ca5bab000001";
const PERSON = [env.CASBAH_USER, env.CASBAH_PASSWORD];
const checks = new Checks("MSAL Browser", "@azure/msal-browser");

const LIBRARY = new URL("node_modules/@azure/msal-browser/lib/", import.meta.url);
const FILES = {
  "/msal.js": readFileSync(new URL("msal-browser.min.js", LIBRARY)),
  "/bridge.js": readFileSync(new URL("redirect-bridge/msal-redirect-bridge.min.js", LIBRARY)),
  // Where pop-ups and hidden frames end: it hands their answer to the page that waits for it.
  "/bridge": `<!doctype html><title>One moment</title><link rel="icon" href="data:,"><script src="/bridge.js"></script>
    <script>msalRedirectBridge.broadcastResponseToMainFrame()</script>`,
};

/** The application's own origin, which trusts the certificate that Casbah made for this host. */
const origin = await new Promise((ready) => {
  const [key, cert] = ["key", "pem"].map((kind) => readFileSync(`${env.CASBAH_DATA_DIR}/tls/server.${kind}`));
  const server = createServer({ key, cert }, ({ url }, response) => {
    const file = FILES[new URL(url, URL_).pathname];
    response.setHeader("content-type", url.endsWith(".js") ? "text/javascript" : "text/html");
    response.end(file ?? page());
  });
  server.listen(0, "127.0.0.1", () => ready(`https://localhost:${server.address().port}`));
});

/** An application of this origin, to which nobody has consented. */
async function register() {
  const form = {
    grant_type: "password", client_id: COMMAND_LINE, username: PERSON[0], password: PERSON[1],
    scope: "https://graph.microsoft.com/.default",
  };
  const answer = await fetch(`${AUTHORITY}/oauth2/v2.0/token`, { method: "POST", body: new URLSearchParams(form) });
  const { access_token } = await answer.json();
  const made = await fetch(`${URL_}/v1.0/applications`, {
    method: "POST",
    headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
    body: JSON.stringify({ displayName: "e2e page", spa: { redirectUris: [`${origin}/`, `${origin}/bridge`] } }),
  });
  const { appId } = await made.json();
  await fetch(`${URL_}/v1.0/servicePrincipals`, {
    method: "POST",
    headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
    body: JSON.stringify({ appId }),
  });
  return appId;
}

function page() {
  const auth = {
    clientId, authority: AUTHORITY, knownAuthorities: [new URL(URL_).host], redirectUri: `${origin}/`,
    postLogoutRedirectUri: `${origin}/`,
  };
  return `<!doctype html><title>Application</title><link rel="icon" href="data:,"><script src="/msal.js"></script>
    <script type="module">
      window.client = new msal.PublicClientApplication(${JSON.stringify({ auth })});
      await client.initialize();
      window.answer = await client.handleRedirectPromise().catch((error) => ({ refused: error.errorCode }));
      window.ready = true;
    </script>`;
}

const clientId = await register();
const chromium = await launch();

/** A browser of a person who has not been here yet, at the application's page. */
async function visit() {
  const context = await chromium.newContext({ ignoreHTTPSErrors: true });
  const visitor = await context.newPage();
  const problems = [];
  visitor.on("console", (message) => {
    // A refused request is an error to the console, and to the library the answer that it reads.
    if (message.type() === "error" && !/status of 40[01]/.test(message.text())) problems.push(message.text());
  });
  await visitor.goto(origin);
  await ready(visitor);
  return { visitor, problems, leave: () => context.close() };
}

const ready = (visitor) => visitor.waitForFunction(() => window.ready);

/** Has the library leave the page, which is another one when the browser comes back. */
const leaveBy = (visitor, method, asked) => visitor.evaluate(([name, request]) => {
  window.ready = false;
  window.client[name](request);
}, [method, asked]);

/** What a person does on Casbah's pages, in the window where they are. */
async function signIn(window, button = "Accept") {
  await window.getByLabel("Password").waitFor();
  await enterPassword(window, ...PERSON);
  // Who has consented already is not asked; a pop-up closes itself.
  const back = window.waitForURL((url) => url.origin === origin);
  const asked = window.getByRole("button", { name: button }).click();
  await Promise.race([back, asked].map((either) => either.catch(() => {})));
}

/** Goes away to sign in and comes back; what the library made of the answer. */
async function redirect(visitor, asked = { scopes: [READ] }) {
  await leaveBy(visitor, "loginRedirect", asked);
  await signIn(visitor);
  await ready(visitor);
  return visitor.evaluate(() => window.answer);
}

/** A silent request of the page, for the account that signed in. */
const silent = (visitor, request) => visitor.evaluate(
  (asked) => window.client.acquireTokenSilent({ account: window.client.getAllAccounts()[0], ...asked })
    .catch((error) => ({ refused: error.errorCode, kind: error.name })),
  request,
);

/** A call that the page itself makes to another origin. */
const call = (visitor, url, token, headers = { authorization: `Bearer ${token}` }) => visitor.evaluate(
  async ([url_, headers_]) => {
    const answer = await fetch(url_, { headers: headers_ });
    return { status: answer.status, body: await answer.json() };
  },
  [url, headers],
);

async function ofTheUser(visitor, { account, accessToken }) {
  assert.equal(account.username.toLowerCase(), env.CASBAH_USER.toLowerCase());
  assert.equal(account.tenantId, TENANT);
  const { status, body } = await call(visitor, `${URL_}/api/v1/alerts/`, accessToken);
  assert.ok(status === 200 && Array.isArray(body.data), `the API answered ${status}`);
}

/** One check with a visitor of its own; an error in the console of any of the pages is a failure. */
const of = (flow, check) => checks.of(flow, async () => {
  const { visitor, problems, leave } = await visit();
  try {
    await check(visitor);
    assert.deepEqual(problems, []);
  } finally {
    await leave();
  }
});

of("code: by redirect, and the API from the page", async (visitor) => {
  const answer = await redirect(visitor);
  await ofTheUser(visitor, answer);
  assert.ok(answer.scopes.includes(READ));
});

of("code: user info and the directory from the page", async (visitor) => {
  const { idTokenClaims, accessToken } = await redirect(visitor, { scopes: ["openid", "profile", "User.Read"] });
  const person = await call(visitor, `${URL_}/oidc/userinfo`, accessToken);
  assert.deepEqual([person.status, person.body.sub], [200, idTokenClaims.sub]);
  const me = await call(visitor, `${URL_}/v1.0/me`, accessToken);
  assert.deepEqual([me.status, me.body.id], [200, idTokenClaims.oid]);
});

of("code: signing out comes back", async (visitor) => {
  await redirect(visitor);
  await leaveBy(visitor, "logoutRedirect");
  await ready(visitor);
  assert.equal(await visitor.evaluate(() => window.client.getAllAccounts().length), 0);
  await leaveBy(visitor, "loginRedirect", { scopes: [READ] });
  await visitor.getByLabel("Password").waitFor();
});

of("code: DPoP, and the API with a proof", async (visitor) => {
  const alerts = `${URL_}/api/v1/alerts/`;
  const asked = { authenticationScheme: "DPoP", resourceRequestMethod: "GET", resourceRequestUri: alerts };
  const answer = await redirect(visitor, { scopes: [READ], ...asked });
  assert.equal(answer.tokenType, "DPoP");
  const proved = { authorization: `DPoP ${answer.accessToken}`, dpop: answer.dpopProof };
  assert.equal((await call(visitor, alerts, answer.accessToken, proved)).status, 200);
  // Each proof once, and without one the token is worth nothing.
  assert.equal((await call(visitor, alerts, answer.accessToken, proved)).status, 401);
  assert.equal((await call(visitor, alerts, answer.accessToken)).status, 401);
  const renewed = await silent(visitor, { scopes: [READ], forceRefresh: true, ...asked });
  assert.notEqual(renewed.accessToken, answer.accessToken);
});

of("interactive: in a pop-up", async (visitor) => {
  const opened = visitor.waitForEvent("popup");
  const answer = visitor.evaluate((request) => window.client.loginPopup(request), {
    scopes: [READ], redirectUri: `${origin}/bridge`,
  });
  await signIn(await opened);
  await ofTheUser(visitor, await answer);
});

of("silent: from the cache, and by the refresh token", async (visitor) => {
  const first = await redirect(visitor);
  const cached = await silent(visitor, { scopes: [READ] });
  assert.deepEqual([cached.fromCache, cached.accessToken], [true, first.accessToken]);
  const renewed = await silent(visitor, { scopes: [READ], forceRefresh: true });
  assert.notEqual(renewed.accessToken, first.accessToken);
  await ofTheUser(visitor, renewed);
  // Each redemption gave a new refresh token: the page has kept the newest.
  await ofTheUser(visitor, await silent(visitor, { scopes: [READ], forceRefresh: true }));
});

of("silent: in a hidden frame, by the sign-in of the browser", async (visitor) => {
  await redirect(visitor);
  await visitor.evaluate(() => window.sessionStorage.clear());
  await visitor.reload();
  await ready(visitor);
  const answer = await visitor.evaluate((request) => window.client.ssoSilent(request), {
    scopes: [READ], loginHint: env.CASBAH_USER, redirectUri: `${origin}/bridge`,
  });
  await ofTheUser(visitor, answer);
});

of("errors: nobody consented", async (visitor) => {
  await redirect(visitor, { scopes: ["openid"] });
  const answer = await silent(visitor, { scopes: ["https://graph.microsoft.com/Directory.Read.All"], redirectUri: `${origin}/bridge` });
  assert.equal(answer.kind, "InteractionRequiredAuthError", JSON.stringify(answer));
});

of("errors: the person says no", async (visitor) => {
  await leaveBy(visitor, "loginRedirect", { scopes: [READ], prompt: "consent" });
  await signIn(visitor, "Cancel");
  await ready(visitor);
  assert.deepEqual(await visitor.evaluate(() => window.answer), { refused: "access_denied" });
});

await checks.run();
