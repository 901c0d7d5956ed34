// Signs in through Casbah's real pages in headless Chromium, as a person would, and stops when
// the browser has reached the client's redirect address. `browser.mjs` offers it to clients that are
// not written in JavaScript.

import process from "node:process";
import { chromium } from "playwright-core";

/** Chromium without the connections to the outside that a fresh profile would try. */
export function launch(more = []) {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync", ...more],
  });
}

/** Opens the URL, signs in, consents if asked, and answers the address reached outside Casbah. */
export function signIn(url, { user, password, accept = true, script = true, browser }) {
  return inPage({ script, browser }, async (page, origin) => {
    // Reached when the client's listener has answered, not when the browser sets out for it.
    let away = null;
    page.on("response", (response) => {
      const request = response.request();
      if (request.isNavigationRequest() && new URL(request.url()).origin !== origin) away = request.url();
    });
    await page.goto(url).catch(() => {});
    await enterPassword(page, user, password);
    for (let step = 0; step < 3 && !away; step += 1) {
      await page.waitForLoadState("load").catch(() => {});
      const consent = page.getByRole("button", { name: accept ? "Accept" : "Cancel" });
      const next = page.getByRole("button", { name: "Continue" });
      if (await consent.isVisible().catch(() => false)) await consent.click().catch(() => {});
      else if (!script && await next.isVisible().catch(() => false)) await next.click().catch(() => {});
    }
    for (let waited = 0; !away && waited < 100; waited += 1) await page.waitForTimeout(100);
    return away ?? page.url();
  });
}

/** Enters a device's code on the device page, signs in and confirms (or cancels); answers the last heading. */
export function approve(uri, code, { user, password, accept = true, browser }) {
  return inPage({ browser }, async (page) => {
    await page.goto(uri);
    await page.getByLabel("Code").fill(code);
    await page.getByRole("button", { name: "Next" }).click();
    await enterPassword(page, user, password);
    await page.getByRole("button", { name: accept ? "Continue" : "Cancel" }).click();
    await page.waitForLoadState("load");
    return page.getByRole("heading", { level: 1 }).innerText();
  });
}

export async function enterPassword(page, user, password) {
  if (!await page.getByLabel("Password").isVisible().catch(() => false)) return;
  const name = page.getByLabel("User name");
  if (await name.isEditable()) await name.fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click().catch(() => {});
}

/** Does something in a page of a profile of its own; an error in the console of Casbah's pages is a failure. */
async function inPage({ script = true, browser }, act) {
  const own = browser ? null : await launch();
  // Casbah's own authority is not in Chromium's store; the clients under test check it.
  const context = await (browser ?? own).newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: script });
  try {
    const page = await context.newPage();
    const origin = new URL(process.env.CASBAH_URL).origin;
    const problems = [];
    page.on("console", (message) => {
      // The client's own page (a plain local listener) is not ours to judge.
      if (message.type() === "error" && new URL(page.url()).origin === origin) problems.push(message.text());
    });
    const result = await act(page, origin);
    if (problems.length > 0) throw new Error(`console errors: ${problems.join("; ")}`);
    return result;
  } finally {
    await context.close();
    await own?.close();
  }
}
