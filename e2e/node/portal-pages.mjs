// What every page of the portal owes its readers, whoever they are.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdirSync } from "node:fs";
import { URL_, env } from "./checks.mjs";

const AXE = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const PICTURES = new URL("../../target/portal/", import.meta.url);
export const WIDTHS = [375, 1280, 2560];

/** A page of a browser profile of its own. Errors in its console and requests that leave the origin are failures. */
export async function fresh(t, browser, options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en-GB", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const problems = [];
  page.on("console", (m) => {
    // A page with another status than 200 is an error to the console.
    if (m.type() === "error" && !/status of 4\d\d/.test(m.text())) problems.push(m.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith("http") && origin !== new URL(URL_).origin) problems.push(`request to ${request.url()}`);
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, []);
  });
  return page;
}

/** Comes into the portal by its own way: through the authority. */
export async function enter(page, path = "/portal", user = env.CASBAH_USER, password = env.CASBAH_PASSWORD) {
  await page.goto(`${URL_}${path}`);
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL((url) => url.pathname.startsWith("/portal"));
}

export const heading = (page) => page.getByRole("heading", { level: 1 }).innerText();

/** Nothing is wider than the window. */
export async function checkWidth(page, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) {
    const guilty = await page.evaluate(() => [...document.querySelectorAll("body *")]
      .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
      .slice(0, 5).map((e) => e.outerHTML.slice(0, 120)));
    assert.fail(`${name}: ${wide} pixels too wide: ${guilty.join("\n")}`);
  }
}

/** axe finds nothing. */
export async function checkAccessible(page, name) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const told = found.violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.map((n) => n.html).slice(0, 3).join("\n  ")}`);
  assert.deepEqual(told, [], `${name} in ${await page.evaluate(() => document.documentElement.dataset.theme ?? "auto")}`);
}

export async function picture(page, name) {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: new URL(`${name}.png`, PICTURES).pathname, fullPage: true });
}
