// The sign-in pages in a browser without script.

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { CryptoProvider, PublicClientApplication } from "@azure/msal-node";
import { AUTHORITY, READ, URL_, env, listen } from "./checks.mjs";
import { signIn } from "./sign-in.mjs";

test("the pages work without script, too", async () => {
  const auth = { authority: AUTHORITY, knownAuthorities: [new URL(URL_).host], clientId: env.CASBAH_PUBLIC_CLIENT_ID };
  const client = new PublicClientApplication({ auth });
  const { address, received, close } = await listen();
  const { challenge } = await new CryptoProvider().generatePkceCodes();
  const url = await client.getAuthCodeUrl({
    scopes: [READ], redirectUri: address, responseMode: "form_post", codeChallenge: challenge, codeChallengeMethod: "S256",
  });
  const person = { user: process.env.CASBAH_USER, password: process.env.CASBAH_PASSWORD, script: false };
  const [answer] = await Promise.all([received, signIn(url, person)]);
  assert.ok(answer.get("code"));
  close();
});
