// Unmodified @azure/identity against a running Casbah.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  AuthorizationCodeCredential, ClientAssertionCredential, ClientCertificateCredential, ClientSecretCredential,
  DeviceCodeCredential, EnvironmentCredential, InteractiveBrowserCredential, OnBehalfOfCredential,
  UsernamePasswordCredential, WorkloadIdentityCredential,
} from "@azure/identity";
import { AUTHORITY, Checks, DEFAULT, TENANT, URL_, browser, env, listAlerts, listen } from "./checks.mjs";

const checks = new Checks("@azure/identity", "@azure/identity");
const where = { authorityHost: URL_, disableInstanceDiscovery: true };
const PUBLIC = { ...where, tenantId: TENANT, clientId: env.CASBAH_PUBLIC_CLIENT_ID };

/** The second call comes from the cache. */
async function twice(credential, options) {
  const first = await credential.getToken(DEFAULT, options);
  await listAlerts(first.token);
  const second = await credential.getToken(DEFAULT, options);
  assert.equal(second.token, first.token);
}

const secret = (text = env.CASBAH_CLIENT_SECRET) =>
  new ClientSecretCredential(TENANT, env.CASBAH_CLIENT_ID, text, where);

checks.of("secret: ClientSecretCredential", () => twice(secret()));
checks.of("secret: ClientSecretCredential with enableCae", () => twice(secret(), { enableCae: true }));

checks.of("secret: EnvironmentCredential", () => {
  env.AZURE_TENANT_ID = TENANT;
  env.AZURE_CLIENT_ID = env.CASBAH_CLIENT_ID;
  env.AZURE_CLIENT_SECRET = env.CASBAH_CLIENT_SECRET;
  return twice(new EnvironmentCredential(where));
});

const certificate = (options) => new ClientCertificateCredential(
  TENANT, env.E2E_CERTIFICATE_CLIENT_ID, { certificatePath: env.E2E_PEM }, { ...where, ...options },
);

checks.of("certificate: PEM", () => twice(certificate()));
checks.of("certificate: PEM with its chain", () => twice(certificate({ sendCertificateChain: true })));

checks.of("assertion: ClientAssertionCredential", () => twice(new ClientAssertionCredential(
  TENANT, env.E2E_WORKLOAD_CLIENT_ID, async () => readFileSync(env.E2E_ASSERTION_FILE, "utf8"), where,
)));

checks.of("workload identity", () => twice(new WorkloadIdentityCredential({
  ...where, tenantId: TENANT, clientId: env.E2E_WORKLOAD_CLIENT_ID, tokenFilePath: env.E2E_ASSERTION_FILE,
})));

checks.of("errors: wrong secret", () => assert.rejects(
  secret("wrong").getToken(DEFAULT),
  (error) => error.message.includes("AADSTS7000215"),
));

checks.of("code: AuthorizationCodeCredential", async () => {
  // This credential leaves the first half to its caller.
  const { address, signIn } = await listen();
  const [id, text] = [env.E2E_WEB_CLIENT_ID, env.E2E_WEB_CLIENT_SECRET];
  const asked = { client_id: id, response_type: "code", scope: DEFAULT, redirect_uri: address };
  const fields = await signIn(`${AUTHORITY}/oauth2/v2.0/authorize?${new URLSearchParams(asked)}`);
  await twice(new AuthorizationCodeCredential(TENANT, id, text, fields.get("code"), address, where));
});

checks.of("interactive", () => twice(new InteractiveBrowserCredential(PUBLIC)));

checks.of("silent: an account on record without a session asks for interaction", async () => {
  const credential = new InteractiveBrowserCredential(PUBLIC);
  const record = await credential.authenticate([DEFAULT]);
  assert.equal(record.username.toLowerCase(), env.CASBAH_USER.toLowerCase());
  await twice(credential);
  const other = new InteractiveBrowserCredential({
    ...PUBLIC, authenticationRecord: record, disableAutomaticAuthentication: true,
  });
  await assert.rejects(other.getToken(DEFAULT), (error) => error.name === "AuthenticationRequiredError");
});

checks.of("device code", async () => {
  let approval;
  await twice(new DeviceCodeCredential({
    ...PUBLIC,
    userPromptCallback: ({ verificationUri, userCode }) => {
      approval = browser("approve", { uri: verificationUri, code: userCode });
    },
  }));
  await approval;
});

checks.of("password: UsernamePasswordCredential", () => twice(
  new UsernamePasswordCredential(TENANT, PUBLIC.clientId, env.CASBAH_USER, env.CASBAH_PASSWORD, where),
));

checks.of("on-behalf-of: OnBehalfOfCredential", () => twice(new OnBehalfOfCredential({
  ...where, tenantId: TENANT, clientId: env.E2E_API_CLIENT_ID, clientSecret: env.E2E_API_CLIENT_SECRET,
  userAssertionToken: env.E2E_API_TOKEN,
})));

await checks.run();
