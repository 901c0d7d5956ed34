// Signs in through Casbah's real pages in headless Chromium, as a person would, and stops when
// the browser has reached the client's redirect address.
//
//   node sign-in.mjs URL        user and password from CASBAH_USER and CASBAH_PASSWORD
//
// MSAL's interactive flows start this as "the browser" (BROWSER="node sign-in.mjs %s").

import process from "node:process";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

/** Chromium without the connections to the outside that a fresh profile would try. */
export function launch() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** Opens the URL, signs in, consents if asked, and answers the address reached outside Casbah. */
export async function signIn(url, { user, password, accept = true, script = true }) {
  const browser = await launch();
  try {
    // Casbah's own authority is not in Chromium's store; the clients under test check it.
    const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: script });
    const page = await context.newPage();
    const origin = new URL(process.env.CASBAH_URL).origin;
    const problems = [];
    page.on("console", (message) => {
      // The client's own page (a plain local listener) is not ours to judge.
      if (message.type() === "error" && new URL(page.url()).origin === origin) problems.push(message.text());
    });
    // Reached when the client's listener has answered, not when the browser sets out for it.
    let away = null;
    page.on("response", (response) => {
      const request = response.request();
      if (request.isNavigationRequest() && new URL(request.url()).origin !== origin) away = request.url();
    });
    await page.goto(url).catch(() => {});
    if (await page.getByLabel("Password").isVisible().catch(() => false)) {
      const name = page.getByLabel("User name");
      if (await name.isEditable()) await name.fill(user);
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Sign in" }).click().catch(() => {});
    }
    for (let step = 0; step < 3 && !away; step += 1) {
      await page.waitForLoadState("load").catch(() => {});
      const consent = page.getByRole("button", { name: accept ? "Accept" : "Cancel" });
      const next = page.getByRole("button", { name: "Continue" });
      if (await consent.isVisible().catch(() => false)) await consent.click().catch(() => {});
      else if (!script && await next.isVisible().catch(() => false)) await next.click().catch(() => {});
    }
    for (let waited = 0; !away && waited < 100; waited += 1) await page.waitForTimeout(100);
    away ??= page.url();
    if (problems.length > 0) throw new Error(`console errors: ${problems.join("; ")}`);
    return away;
  } finally {
    await browser.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const user = process.env.CASBAH_USER;
  const password = process.env.CASBAH_PASSWORD;
  console.log(await signIn(process.argv[2], { user, password }));
}
