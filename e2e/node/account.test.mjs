// Second factors, passkeys, recovery codes, new passwords and the account page, in headless Chromium.

import assert from "node:assert/strict";
import { X509Certificate, createHash, createHmac, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { AUTHORITY, TENANT, URL_, env } from "./checks.mjs";
import { launch } from "./sign-in.mjs";

const COMMAND_LINE = "6c1d2f0a-3b7e-4c58-9a41-ca5bab000001";
const PASSWORD = "kettle orbit seven lamps";
const { hostname, port } = new URL(URL_);
let browser;
let administrator;

before(async () => {
  // Browsers make no passkeys beside a certificate error that was only looked over; for a key that they
  // were told to trust they do.
  browser = await launch([`--ignore-certificate-errors-spki-list=${await keyOfServer()}`]);
  const answer = await fetch(`${AUTHORITY}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "password", client_id: COMMAND_LINE, username: env.CASBAH_USER, password: env.CASBAH_PASSWORD,
      scope: "https://graph.microsoft.com/.default",
    }),
  });
  administrator = (await answer.json()).access_token;
  assert.ok(administrator);
});

after(() => browser?.close());

function keyOfServer() {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: port || 443, servername: hostname, rejectUnauthorized: false }, () => {
      const key = new X509Certificate(socket.getPeerCertificate().raw).publicKey.export({ type: "spki", format: "der" });
      socket.end();
      resolve(createHash("sha256").update(key).digest("base64"));
    });
    socket.on("error", reject);
  });
}

/** A new person; answers the sign-in name. */
async function person(profile = {}) {
  const domain = env.CASBAH_USER.split("@")[1];
  const name = `p${randomUUID().slice(0, 8)}`;
  const answer = await fetch(`${URL_}/v1.0/users`, {
    method: "POST",
    headers: { Authorization: `Bearer ${administrator}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      accountEnabled: true, displayName: "Pat Person", userPrincipalName: `${name}@${domain}`, mailNickname: name,
      passwordProfile: { password: PASSWORD, forceChangePasswordNextSignIn: false, ...profile },
    }),
  });
  assert.equal(answer.status, 201, await answer.text());
  return `${name}@${domain}`;
}

/** A page in a profile of its own; errors in its console are failures when the test ends. */
async function fresh(t, options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  const page = await context.newPage();
  const problems = [];
  // A refused form is a page with status 400, which the console calls an error.
  page.on("console", (m) => m.type() === "error" && !m.text().includes("status of 400") && problems.push(m.text()));
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, []);
  });
  return page;
}

async function signIn(page, user, password = PASSWORD, address = `${URL_}/account`) {
  await page.goto(address);
  if (!page.url().includes("/oauth2/") && !page.url().endsWith("/sign-in")) await page.goto(`${URL_}/account/sign-in`);
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForLoadState("load");
}

const heading = (page) => page.getByRole("heading", { level: 1 }).innerText();

/** The code of an authenticator program, `away` steps from now. */
function code(key, away = 0) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...key].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const bytes = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + away));
  const tag = createHmac("sha1", bytes).update(counter).digest();
  const start = tag[19] & 15;
  return String((tag.readUInt32BE(start) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** Adds an authenticator program on the account page; answers its key and the recovery codes. */
async function addAuthenticator(page) {
  await page.getByRole("link", { name: "Add an authenticator program" }).click();
  await page.getByRole("img", { name: "QR code" }).waitFor();
  const key = (await page.locator("code.key").innerText()).replaceAll(" ", "");
  await page.getByLabel("Name").fill("Test phone");
  // The code of the step before, so that the present one is still good for signing in.
  await page.getByLabel("The code that it shows now").fill(code(key, -1));
  await page.getByRole("button", { name: "Add authenticator program" }).click();
  await page.waitForLoadState("load");
  const codes = await page.locator("ol.codes code").allInnerTexts();
  assert.equal(codes.length, 10);
  await page.getByRole("link", { name: "I have written them down" }).click();
  await page.waitForLoadState("load");
  assert.equal(await heading(page), "Your account");
  return { key, codes };
}

for (const javaScriptEnabled of [true, false]) {
  test(`codes and recovery codes, ${javaScriptEnabled ? "with" : "without"} script`, async (t) => {
    const user = await person();
    const page = await fresh(t, { javaScriptEnabled });
    await signIn(page, user);
    assert.equal(await heading(page), "Your account");
    const { key, codes } = await addAuthenticator(page);

    const other = await fresh(t, { javaScriptEnabled });
    await signIn(other, user);
    assert.equal(await heading(other), "Prove that it is you");
    await other.goto(`${URL_}/account`);
    assert.equal(await heading(other), "Sign in", "the page cannot be gone round");
    await other.goto(`${URL_}/sign-in/next`);
    await other.getByLabel("The code that your authenticator").fill("000000");
    await other.getByRole("button", { name: "Verify" }).click();
    await other.getByRole("alert").filter({ hasText: "The code or passkey is wrong" }).waitFor();
    await other.getByLabel("The code that your authenticator").fill(code(key));
    await other.getByRole("button", { name: "Verify" }).click();
    await other.waitForLoadState("load");
    assert.equal(await heading(other), "Your account");
    await other.getByText("password and code").first().waitFor();

    const lost = await fresh(t, { javaScriptEnabled });
    await signIn(lost, user);
    await lost.getByText("Use a recovery code instead").click();
    await lost.getByLabel("Recovery code").fill(codes[0]);
    await lost.getByRole("button", { name: "Use recovery code" }).click();
    await lost.waitForLoadState("load");
    await lost.getByText("Recovery codes left: 9.").waitFor();
  });
}

test("a passkey is registered, is the second factor, and signs in by itself", async (t) => {
  const user = await person();
  const page = await fresh(t);
  const devices = await page.context().newCDPSession(page);
  await devices.send("WebAuthn.enable");
  const options = {
    protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true,
  };
  await devices.send("WebAuthn.addVirtualAuthenticator", { options });
  await signIn(page, user);
  await page.getByLabel("Name of the passkey").fill("Test laptop");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("link", { name: "I have written them down" }).click();
  await page.getByRole("cell", { name: "Test laptop" }).waitFor();

  await signIn(page, user, PASSWORD, `${URL_}/account/sign-in`);
  assert.equal(await heading(page), "Prove that it is you");
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByText("password and passkey").first().waitFor();

  await page.goto(`${URL_}/account/sign-in`);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByRole("cell", { name: "Test laptop" }).waitFor();
  await page.getByRole("cell", { name: "passkey", exact: true }).waitFor();
});

test("a password that an administrator set is changed first", async (t) => {
  const user = await person({ forceChangePasswordNextSignIn: true });
  const page = await fresh(t);
  await signIn(page, user);
  assert.equal(await heading(page), "Choose a new password");
  const choose = async (password) => {
    await page.getByLabel("New password", { exact: true }).fill(password);
    await page.getByLabel("New password again").fill(password);
    await page.getByRole("button", { name: "Change password and sign in" }).click();
    await page.waitForLoadState("load");
  };
  await choose("Password123");
  await page.getByRole("alert").filter({ hasText: "one of the commonest" }).waitFor();
  await choose("nine paper boats upstream");
  assert.equal(await heading(page), "Your account");
});

test("who guesses is told to wait, and the owner's browser goes on", async (t) => {
  const user = await person();
  const own = await fresh(t);
  await signIn(own, user);
  const stranger = await fresh(t);
  for (let guess = 0; guess < 11; guess += 1) await signIn(stranger, user, `guess ${guess}`);
  await stranger.getByRole("alert").filter({ hasText: "too many wrong passwords" }).waitFor();
  await signIn(own, user, PASSWORD, `${URL_}/account/sign-in`);
  assert.equal(await heading(own), "Your account");
});

test("a consent is seen and revoked on the account page", async (t) => {
  const user = await person();
  const page = await fresh(t);
  const request = new URLSearchParams({
    client_id: env.CASBAH_PUBLIC_CLIENT_ID, response_type: "code", redirect_uri: "http://localhost",
    // A permission that people may give without an administrator.
    scope: "https://graph.microsoft.com/User.Read",
    prompt: "consent", code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256",
  });
  await page.route("http://localhost/**", (route) => route.fulfill({ body: "the application" }));
  await signIn(page, user, PASSWORD, `${URL_}/${TENANT}/oauth2/v2.0/authorize?${request}`);
  await page.getByRole("button", { name: "Accept" }).click();
  await page.getByText("the application").waitFor();
  await page.goto(`${URL_}/account`);
  await page.getByRole("button", { name: "Revoke" }).click();
  await page.waitForLoadState("load");
  assert.equal(await page.getByRole("button", { name: "Revoke" }).count(), 0);
});
