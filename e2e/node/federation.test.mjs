// Signing in with another provider, in headless Chromium: a second Casbah, whose address the environment names.
// Both have the name localhost, and with it the same cookies: whoever signs in at one is signed out of the other.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { TENANT, URL_, env } from "./checks.mjs";
import { launch } from "./sign-in.mjs";

const THERE = env.E2E_ISSUER_URL;
const COMMAND_LINE = "6c1d2f0a-3b7e-4c58-9a41-ca5bab000001";
const NAME = "The other Casbah";
const GUEST = "bob@partner.example";
let browser;
let call;
let provider;
let user;

before(async () => {
  browser = await launch();
  // By the browser's own client, because Node trusts one authority only.
  const { request } = await browser.newContext({ ignoreHTTPSErrors: true });
  call = async (base, method, path, body) => {
    const form = {
      grant_type: "password", client_id: COMMAND_LINE, username: env.CASBAH_USER, password: env.CASBAH_PASSWORD,
      scope: "https://graph.microsoft.com/.default",
    };
    const token = await (await request.post(`${base}/${TENANT}/oauth2/v2.0/token`, { form })).json();
    const headers = { Authorization: `Bearer ${token.access_token}` };
    const answer = await request.fetch(`${base}/v1.0${path}`, { method, headers, data: body });
    assert.ok(answer.ok(), `${method} ${path}: ${await answer.text()}`);
    return answer.status() === 204 ? null : answer.json();
  };
  const application = await call(THERE, "POST", "/applications", {
    displayName: "Here", web: { redirectUris: [`${URL_}/${TENANT}/oauth2/v2.0/authresp`] },
    optionalClaims: { idToken: [{ name: "email" }, { name: "acct" }] },
  });
  user = `p${randomUUID().slice(0, 8)}@${env.CASBAH_USER.split("@")[1]}`;
  await call(THERE, "POST", "/users", {
    accountEnabled: true, displayName: "Bob Partner", userPrincipalName: user, mailNickname: user.split("@")[0],
    mail: GUEST, userType: "Guest", passwordProfile: { password: env.CASBAH_PASSWORD },
  });
  await call(THERE, "POST", "/servicePrincipals", { appId: application.appId });
  const secret = await call(THERE, "POST", `/applications/${application.id}/addPassword`, {});
  provider = await call(URL_, "POST", "/identity/identityProviders", {
    displayName: NAME, clientId: application.appId, issuer: `${THERE}/${TENANT}/v2.0`,
    clientAuthentication: {
      "@odata.type": "#microsoft.graph.oidcClientSecretAuthentication", clientSecret: secret.secretText,
    },
    // There, whoever is a guest (acct is 1) has an address that somebody has made sure of.
    inboundClaimMapping: { sub: "sub", name: "name", email: "email", email_verified: "acct" },
    "casbah.domains": ["partner.example"], "casbah.provisioning": "guest",
  });
});

after(async () => {
  if (provider) await call(URL_, "DELETE", `/identity/identityProviders/${provider.id}`);
  await browser?.close();
});

const heading = (page) => page.getByRole("heading", { level: 1 }).innerText();

/** A page in a profile of its own; errors in its console are failures when the test ends. */
async function fresh(t, javaScriptEnabled) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled });
  const page = await context.newPage();
  const problems = [];
  // A refused sign-in is a page with status 400, which the console calls an error.
  page.on("console", (m) => m.type() === "error" && !m.text().includes("status of 400") && problems.push(m.text()));
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, []);
  });
  await page.route("http://localhost/**", (route) => route.fulfill({ body: "the application" }));
  return page;
}

/** Signs in at the other Casbah, whose page this must be. */
async function enter(page, name) {
  assert.ok(page.url().startsWith(THERE), page.url());
  await page.getByLabel("User name").fill(name);
  await page.getByLabel("Password").fill(env.CASBAH_PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForLoadState("load");
}

function application(more = {}) {
  return `${URL_}/${TENANT}/oauth2/v2.0/authorize?${new URLSearchParams({
    client_id: env.CASBAH_PUBLIC_CLIENT_ID, response_type: "code", redirect_uri: "http://localhost",
    scope: "05a65629-4c1b-48c1-a78b-804c4abdd4af/Investigation.read",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256", ...more,
  })}`;
}

for (const script of [true, false]) {
  test(`people of elsewhere are refused or come in, ${script ? "with" : "without"} script`, async (t) => {
    const stranger = await fresh(t, script);
    await stranger.goto(application());
    await stranger.getByRole("link", { name: `Sign in with ${NAME}` }).click();
    await enter(stranger, env.CASBAH_USER);
    assert.equal(await heading(stranger), `Signing in with ${NAME} did not work`);
    await stranger.getByText("AADSTS50020").waitFor();
    await stranger.getByRole("link", { name: "Try again" }).click();
    assert.match(await heading(stranger), /^Sign in/);

    const guest = await fresh(t, script);
    // The domain leads straight there.
    await guest.goto(application({ domain_hint: "partner.example" }));
    await enter(guest, user);
    await guest.getByText("the application").waitFor();
    assert.ok(new URL(guest.url()).searchParams.get("code"));
    await guest.goto(`${URL_}/account`);
    await guest.getByText(`${GUEST.replace("@", "_")}#EXT#@`).waitFor();
    await guest.getByRole("cell", { name: "other provider" }).first().waitFor();
    assert.equal(await guest.getByRole("heading", { name: "Password" }).count(), 0);
  });
}
