// Unmodified MSAL for Node against a running Casbah.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { ConfidentialClientApplication, CryptoProvider, PublicClientApplication } from "@azure/msal-node";
import { AUTHORITY, Checks, DEFAULT, READ, TENANT, URL_, browser, claims, env, listAlerts, listen } from "./checks.mjs";

const checks = new Checks("MSAL Node", "@azure/msal-node");
const auth = { authority: AUTHORITY, knownAuthorities: [new URL(URL_).host] };
const ofFile = (name) => readFileSync(env[name], "utf8");
const PERSON = { username: env.CASBAH_USER, password: env.CASBAH_PASSWORD };

const confidential = (options = { clientSecret: env.CASBAH_CLIENT_SECRET }) =>
  new ConfidentialClientApplication({ auth: { ...auth, clientId: env.CASBAH_CLIENT_ID, ...options } });
const web = () => confidential({ clientId: env.E2E_WEB_CLIENT_ID, clientSecret: env.E2E_WEB_CLIENT_SECRET });
const publicClient = () => new PublicClientApplication({ auth: { ...auth, clientId: env.CASBAH_PUBLIC_CLIENT_ID } });

async function appOnly(client) {
  const first = await client.acquireTokenByClientCredential({ scopes: [DEFAULT] });
  await listAlerts(first.accessToken);
  const second = await client.acquireTokenByClientCredential({ scopes: [DEFAULT] });
  assert.equal(second.fromCache, true);
}

async function ofTheUser(result) {
  assert.equal(result.account.username.toLowerCase(), env.CASBAH_USER.toLowerCase());
  assert.match(result.account.homeAccountId, new RegExp(`\\.${TENANT}$`));
  await listAlerts(result.accessToken);
}

checks.of("secret", () => appOnly(confidential()));

checks.of("secret: authority by OpenID Connect's rules", () => appOnly(new ConfidentialClientApplication({
  auth: {
    authority: `${AUTHORITY}/v2.0`, clientId: env.CASBAH_CLIENT_ID, clientSecret: env.CASBAH_CLIENT_SECRET,
    knownAuthorities: auth.knownAuthorities,
  },
  system: { protocolMode: "OIDC" },
})));

const certified = (thumbprint, chain) => appOnly(confidential({
  clientId: env.E2E_CERTIFICATE_CLIENT_ID,
  clientCertificate: { ...thumbprint, privateKey: ofFile("E2E_KEY"), ...(chain && { x5c: ofFile("E2E_CERTIFICATE") }) },
}));

checks.of("certificate: SHA-256 (PS256, x5t#S256)", () => certified({ thumbprintSha256: env.E2E_THUMBPRINT_SHA256 }));
checks.of("certificate: SHA-1 (RS256, x5t)", () => certified({ thumbprint: env.E2E_THUMBPRINT }));
checks.of("certificate: with x5c", () => certified({ thumbprintSha256: env.E2E_THUMBPRINT_SHA256 }, true));

checks.of("assertion: of another issuer, by a function", () => appOnly(confidential({
  clientId: env.E2E_WORKLOAD_CLIENT_ID, clientAssertion: async () => ofFile("E2E_ASSERTION_FILE"),
})));

checks.of("errors: wrong secret", () => assert.rejects(
  confidential({ clientSecret: "wrong" }).acquireTokenByClientCredential({ scopes: [DEFAULT] }),
  (error) => error.errorCode === "invalid_client" && error.message.includes("AADSTS7000215"),
));

checks.of("errors: wrong password", () => assert.rejects(
  publicClient().acquireTokenByUsernamePassword({ scopes: [READ], ...PERSON, password: "wrong" }),
  (error) => error.errorCode === "invalid_grant" && error.message.includes("AADSTS50126"),
));

checks.of("errors: a metadata document that names another port is refused", async () => {
  // Casbah's document, handed on by a host of another port: the library must see the difference, and
  // nothing else but the issuer makes the difference.
  const [key, cert] = ["key", "pem"].map((kind) => readFileSync(`${env.CASBAH_DATA_DIR}/tls/server.${kind}`));
  const answer = await fetch(`${AUTHORITY}/v2.0/.well-known/openid-configuration`);
  let document = await answer.json();
  const server = createServer({ key, cert }, (_, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(document));
  });
  await new Promise((ready) => { server.listen(0, "localhost", ready); });
  const host = `localhost:${server.address().port}`;
  const token = () => confidential({
    authority: `https://${host}/${TENANT}`, knownAuthorities: [host], clientSecret: env.CASBAH_CLIENT_SECRET,
  }).acquireTokenByClientCredential({ scopes: [DEFAULT] });
  await assert.rejects(token(), (error) => error.errorCode === "endpoints_resolution_error");
  document = { ...document, issuer: document.issuer.replace(new URL(URL_).host, host) };
  await listAlerts((await token()).accessToken);
  server.close();
});

async function code(client, responseMode) {
  const { address, signIn } = await listen();
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
  const asked = { scopes: [READ], redirectUri: address };
  const url = await client.getAuthCodeUrl({
    ...asked, responseMode, state: "a&b=c", codeChallenge: challenge, codeChallengeMethod: "S256",
  });
  const answer = await signIn(url);
  assert.equal(answer.get("state"), "a&b=c");
  const result = await client.acquireTokenByCode({ ...asked, code: answer.get("code"), codeVerifier: verifier });
  await ofTheUser(result);
  return result;
}

checks.of("code: public client, PKCE", () => code(publicClient(), "query"));
checks.of("code: public client, form_post", () => code(publicClient(), "form_post"));
checks.of("code: confidential client", () => code(web(), "query"));
checks.of("code: confidential client, form_post", () => code(web(), "form_post"));

checks.of("interactive", async () => {
  await ofTheUser(await publicClient().acquireTokenInteractive({
    scopes: [READ],
    openBrowser: async (url) => { await browser("sign-in", { url }); },
  }));
});

checks.of("device code", async () => {
  let approval;
  const result = await publicClient().acquireTokenByDeviceCode({
    scopes: [READ],
    deviceCodeCallback: ({ verificationUri, userCode }) => {
      approval = browser("approve", { uri: verificationUri, code: userCode });
    },
  });
  await ofTheUser(result);
  await approval;
});

checks.of("password", async () => {
  const result = await publicClient().acquireTokenByUsernamePassword({ scopes: [READ], ...PERSON });
  await ofTheUser(result);
  assert.ok(claims(result.accessToken).scp.split(" ").includes("investigation.read"));
});

checks.of("silent: from the cache, and refreshed after expiry", async () => {
  const client = publicClient();
  const first = await client.acquireTokenByUsernamePassword({ scopes: [DEFAULT], ...PERSON });
  const [account] = await client.getTokenCache().getAllAccounts();
  const silent = () => client.acquireTokenSilent({ scopes: [DEFAULT], account });
  assert.equal((await silent()).fromCache, true);
  // What an hour does.
  const cache = JSON.parse(client.getTokenCache().serialize());
  for (const token of Object.values(cache.AccessToken)) {
    token.expires_on = token.extended_expires_on = String(Math.floor(Date.now() / 1000) - 10);
  }
  client.getTokenCache().deserialize(JSON.stringify(cache));
  const renewed = await silent();
  assert.equal(renewed.fromCache, false);
  assert.notEqual(renewed.accessToken, first.accessToken);
  await listAlerts(renewed.accessToken);
  // The entry of `.default` is found again.
  assert.equal((await silent()).fromCache, true);
});

checks.of("silent: forced", async () => {
  const client = web();
  const result = await code(client, "query");
  const renewed = await client.acquireTokenSilent({ scopes: [READ], account: result.account, forceRefresh: true });
  assert.notEqual(renewed.accessToken, result.accessToken);
  await listAlerts(renewed.accessToken);
});

checks.of("on-behalf-of", async () => {
  const api = confidential({ clientId: env.E2E_API_CLIENT_ID, clientSecret: env.E2E_API_CLIENT_SECRET });
  const result = await api.acquireTokenOnBehalfOf({ oboAssertion: env.E2E_API_TOKEN, scopes: [READ] });
  await ofTheUser(result);
  assert.equal(claims(result.accessToken).appid, env.E2E_API_CLIENT_ID);
});

await checks.run();
