// Unmodified openid-client, a strict library for OpenID Connect, against a running Casbah.

import assert from "node:assert/strict";
import * as client from "openid-client";
import { AUTHORITY, Checks, DEFAULT, READ, browser, env, listAlerts, listen } from "./checks.mjs";

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
async function code(config, scope = `openid profile offline_access ${READ}`) {
  client.enableNonRepudiationChecks(config);
  const { address, signIn } = await listen();
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expected = { state: client.randomState(), nonce: client.randomNonce() };
  const url = client.buildAuthorizationUrl(config, {
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
  });
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

await checks.run();
