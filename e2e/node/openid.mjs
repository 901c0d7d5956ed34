// Unmodified openid-client, a strict library for OpenID Connect, against a running Casbah.

import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import * as client from "openid-client";
import { AUTHORITY, Checks, DEFAULT, READ, URL_, browser, env, listAlerts, listen } from "./checks.mjs";

const checks = new Checks("openid-client", "openid-client");
const ISSUER = new URL(`${AUTHORITY}/v2.0`);

const application = (method) =>
  client.discovery(ISSUER, env.CASBAH_CLIENT_ID, undefined, method(env.CASBAH_CLIENT_SECRET));
const web = (method = client.ClientSecretPost) =>
  client.discovery(ISSUER, env.E2E_WEB_CLIENT_ID, undefined, method(env.E2E_WEB_CLIENT_SECRET));
const publicClient = () => client.discovery(ISSUER, env.E2E_NATIVE_CLIENT_ID, undefined, client.None());

checks.of("secret: in the body", async () => {
  const tokens = await client.clientCredentialsGrant(await application(client.ClientSecretPost), { scope: DEFAULT });
  await listAlerts(tokens.access_token);
});

checks.of("secret: in the header", async () => {
  const tokens = await client.clientCredentialsGrant(await application(client.ClientSecretBasic), { scope: DEFAULT });
  await listAlerts(tokens.access_token);
});

checks.of("errors: wrong secret", async () => {
  const config = await client.discovery(ISSUER, env.CASBAH_CLIENT_ID, undefined, client.ClientSecretPost("wrong"));
  await assert.rejects(
    client.clientCredentialsGrant(config, { scope: DEFAULT }),
    (error) => error.error === "invalid_client" && error.status === 401,
  );
});

/** The flow for codes, with an ID token that the library verifies: signature, issuer, audience, nonce. */
async function code(
  config, scope = `openid profile offline_access ${READ}`, build = client.buildAuthorizationUrl, options = undefined,
) {
  client.enableNonRepudiationChecks(config);
  const { address, signIn } = await listen();
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expected = { state: client.randomState(), nonce: client.randomNonce() };
  const url = await build(config, {
    // With a path: this library would make one of the bare slash, which is another address.
    redirect_uri: `${address}/callback`,
    scope,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    ...expected,
  });
  const fields = await signIn(url.href);
  const reached = new URL(`${address}/callback?${fields}`);
  const tokens = await client.authorizationCodeGrant(config, reached, {
    pkceCodeVerifier, expectedState: expected.state, expectedNonce: expected.nonce,
  }, undefined, options);
  assert.equal(tokens.claims().preferred_username.toLowerCase(), env.CASBAH_USER.toLowerCase());
  return tokens;
}

checks.of("code: public client, PKCE", async () => {
  await listAlerts((await code(await publicClient())).access_token);
});

checks.of("code: confidential client", async () => {
  await listAlerts((await code(await web())).access_token);
});

checks.of("code: confidential client, secret in the header", async () => {
  await listAlerts((await code(await web(client.ClientSecretBasic))).access_token);
});

checks.of("code: user info of the same subject", async () => {
  const config = await web();
  const tokens = await code(config, "openid profile email");
  const { sub } = tokens.claims();
  const person = await client.fetchUserInfo(config, tokens.access_token, sub);
  assert.equal(person.sub, sub);
});

checks.of("device code", async () => {
  const config = await publicClient();
  const started = await client.initiateDeviceAuthorization(config, { scope: `openid offline_access ${READ}` });
  const approval = browser("approve", { uri: started.verification_uri, code: started.user_code });
  const tokens = await client.pollDeviceAuthorizationGrant(config, { ...started, interval: 1 });
  await approval;
  await listAlerts(tokens.access_token);
});

checks.of("silent: by the refresh token", async () => {
  const config = await publicClient();
  const first = await code(config);
  const renewed = await client.refreshTokenGrant(config, first.refresh_token);
  assert.notEqual(renewed.access_token, first.access_token);
  await listAlerts(renewed.access_token);
});

checks.of("certificate: private_key_jwt", async () => {
  const key = await importKey(readFileSync(env.E2E_KEY, "utf8"));
  const authentication = client.PrivateKeyJwt({ key, kid: env.E2E_THUMBPRINT });
  const config = await client.discovery(ISSUER, env.E2E_CERTIFICATE_CLIENT_ID, undefined, authentication);
  const tokens = await client.clientCredentialsGrant(config, { scope: DEFAULT });
  await listAlerts(tokens.access_token);
});

/** A PEM as the keys of this library are. */
function importKey(pem) {
  const der = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  return crypto.subtle.importKey("pkcs8", der, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["sign"]);
}

checks.of("secret: introspection and revocation", async () => {
  const config = await web();
  const tokens = await code(config);
  const known = await client.tokenIntrospection(config, tokens.refresh_token);
  assert.deepEqual([known.active, known.client_id], [true, env.E2E_WEB_CLIENT_ID]);
  await client.tokenRevocation(config, tokens.refresh_token);
  assert.equal((await client.tokenIntrospection(config, tokens.refresh_token)).active, false);
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), (error) => error.error === "invalid_grant");
});

checks.of("code: pushed request", async () => {
  await listAlerts((await code(await web(), undefined, client.buildAuthorizationUrlWithPAR)).access_token);
});

checks.of("secret: DPoP", async () => {
  const config = await application(client.ClientSecretPost);
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
  const tokens = await client.clientCredentialsGrant(config, { scope: DEFAULT }, { DPoP });
  assert.equal(tokens.token_type, "dpop");
  const alerts = new URL(`${URL_}/api/v1/alerts/`);
  const answer = await client.fetchProtectedResource(config, tokens.access_token, alerts, "GET", null, null, { DPoP });
  assert.ok(Array.isArray((await answer.json()).data));
  // Without the proof it is worth nothing.
  const bare = await fetch(alerts, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  assert.equal(bare.status, 401);
});

checks.of("code: DPoP, and its refresh token", async () => {
  const config = await publicClient();
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
  const first = await code(config, undefined, undefined, { DPoP });
  const renewed = await client.refreshTokenGrant(config, first.refresh_token, undefined, { DPoP });
  assert.equal(renewed.token_type, "dpop");
  const other = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
  await assert.rejects(client.refreshTokenGrant(config, renewed.refresh_token, undefined, { DPoP: other }));
});

checks.of("errors: the person says no", async () => {
  const config = await publicClient();
  const { address, received, close } = await listen();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: `${address}/callback`, scope: `openid ${READ}`, prompt: "consent", state: "s",
    code_challenge: await client.calculatePKCECodeChallenge("v".repeat(43)), code_challenge_method: "S256",
  });
  const [fields] = await Promise.all([received, browser("sign-in", { url: url.href, cancel: "1" })]);
  close();
  await assert.rejects(
    client.authorizationCodeGrant(config, new URL(`${address}/callback?${fields}`), {
      pkceCodeVerifier: "v".repeat(43), expectedState: "s",
    }),
    (error) => error.error === "access_denied",
  );
});

await checks.run();
