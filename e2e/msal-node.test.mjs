// Unmodified MSAL for Node against a running Casbah; see sign-in.mjs for the browser.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import process from "node:process";
import { after, test } from "node:test";
import { ConfidentialClientApplication, CryptoProvider, PublicClientApplication } from "@azure/msal-node";
import { signIn } from "./sign-in.mjs";

const env = process.env;
const RESOURCE = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
const SCOPES = [`${RESOURCE}/Investigation.read`];
const auth = {
  authority: `${env.CASBAH_URL}/${env.CASBAH_TENANT}`,
  knownAuthorities: [new URL(env.CASBAH_URL).host],
};

const confidential = () => new ConfidentialClientApplication({
  auth: { ...auth, clientId: env.CASBAH_CLIENT_ID, clientSecret: env.CASBAH_CLIENT_SECRET },
});
const publicClient = () => new PublicClientApplication({ auth: { ...auth, clientId: env.CASBAH_PUBLIC_CLIENT_ID } });

async function listAlerts(token) {
  const answer = await fetch(`${env.CASBAH_URL}/api/v1/alerts/`, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200);
  const body = await answer.json();
  assert.ok(Array.isArray(body.data) && typeof body.hasNext === "boolean");
  return body;
}

/** A loopback listener that takes one authorization response, by query or by form post. */
function listen() {
  return new Promise((ready) => {
    let take;
    const taken = new Promise((resolve) => { take = resolve; });
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => { body += chunk; });
      request.on("end", () => {
        response.end("done");
        const query = new URL(request.url, "http://localhost").searchParams;
        if (query.has("code") || query.has("error")) take(query);
        else if (body) take(new URLSearchParams(body));
      });
    }).listen(0, "127.0.0.1", () => {
      after(() => server.close());
      ready({ uri: `http://localhost:${server.address().port}`, taken });
    });
  });
}

test("an application gets a token and lists alerts", async () => {
  const client = confidential();
  const first = await client.acquireTokenByClientCredential({ scopes: [`${RESOURCE}/.default`] });
  await listAlerts(first.accessToken);
  const second = await client.acquireTokenByClientCredential({ scopes: [`${RESOURCE}/.default`] });
  assert.equal(second.fromCache, true);
});

for (const responseMode of ["query", "form_post"]) {
  test(`a user signs in with PKCE through the pages (${responseMode})`, async () => {
    const client = publicClient();
    const { uri, taken } = await listen();
    const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
    const url = await client.getAuthCodeUrl({
      scopes: SCOPES, redirectUri: uri, responseMode, state: "a&b=c", codeChallenge: challenge, codeChallengeMethod: "S256",
    });
    const [answer] = await Promise.all([taken, signIn(url, { user: env.CASBAH_USER, password: env.CASBAH_PASSWORD })]);
    assert.equal(answer.get("state"), "a&b=c");
    const result = await client.acquireTokenByCode({
      code: answer.get("code"), scopes: SCOPES, redirectUri: uri, codeVerifier: verifier,
    });
    assert.equal(result.account.username.toLowerCase(), env.CASBAH_USER.toLowerCase());
    await listAlerts(result.accessToken);
    const account = (await client.getTokenCache().getAllAccounts())[0];
    const cached = await client.acquireTokenSilent({ scopes: SCOPES, account });
    assert.equal(cached.fromCache, true);
    const renewed = await client.acquireTokenSilent({ scopes: SCOPES, account, forceRefresh: true });
    assert.notEqual(renewed.accessToken, result.accessToken);
    await listAlerts(renewed.accessToken);
  });
}

test("MSAL's own interactive flow ends at its listener", async () => {
  const result = await publicClient().acquireTokenInteractive({
    scopes: SCOPES,
    openBrowser: async (url) => { await signIn(url, { user: env.CASBAH_USER, password: env.CASBAH_PASSWORD }); },
  });
  await listAlerts(result.accessToken);
});

test("the password grant works, and a wrong password is invalid_grant", async () => {
  const client = publicClient();
  const request = { scopes: SCOPES, username: env.CASBAH_USER, password: env.CASBAH_PASSWORD };
  const result = await client.acquireTokenByUsernamePassword(request);
  await listAlerts(result.accessToken);
  await assert.rejects(
    publicClient().acquireTokenByUsernamePassword({ ...request, password: "wrong" }),
    (error) => error.errorCode === "invalid_grant" && error.message.includes("AADSTS50126"),
  );
});

test("a wrong secret is invalid_client with its AADSTS code", async () => {
  const client = new ConfidentialClientApplication({
    auth: { ...auth, clientId: env.CASBAH_CLIENT_ID, clientSecret: "wrong" },
  });
  await assert.rejects(
    client.acquireTokenByClientCredential({ scopes: [`${RESOURCE}/.default`] }),
    (error) => error.errorCode === "invalid_client" && error.message.includes("AADSTS7000215"),
  );
});

test("the pages work without script, too", async () => {
  const client = publicClient();
  const { uri, taken } = await listen();
  const { challenge } = await new CryptoProvider().generatePkceCodes();
  const url = await client.getAuthCodeUrl({
    scopes: SCOPES, redirectUri: uri, responseMode: "form_post", codeChallenge: challenge, codeChallengeMethod: "S256",
  });
  const person = { user: env.CASBAH_USER, password: env.CASBAH_PASSWORD, script: false };
  const [answer] = await Promise.all([taken, signIn(url, person)]);
  assert.ok(answer.get("code"));
});
