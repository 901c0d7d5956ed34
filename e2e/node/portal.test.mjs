// The portal in headless Chromium: with and without script, in both languages, light and dark, wide and narrow.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import process from "node:process";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { AUTHORITY, DEFAULT, TENANT, URL_ } from "./checks.mjs";
import { WIDTHS, checkAccessible, checkWidth, enter, fresh, heading, picture } from "./portal-pages.mjs";
import { launch } from "./sign-in.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Every page that has an address of its own: the walk grows with each. */
const PAGES = [
  ["overview", "/portal"],
  ["apps", "/portal/apps"],
  ["app-new", "/portal/apps/new"],
  ["app-new-spa", "/portal/apps/new?purpose=spa"],
  ["app", `/portal/apps/${process.env.CASBAH_CLIENT_ID}`],
  ["app-permissions", `/portal/apps/${process.env.CASBAH_CLIENT_ID}/permissions`],
  ["app-try", `/portal/apps/${process.env.CASBAH_CLIENT_ID}/try`],
  ["app-log", `/portal/apps/${process.env.CASBAH_CLIENT_ID}/log`],
  ["tokens", "/portal/tokens"],
  ["inspect", "/portal/inspect"],
  ["about", "/portal/about"],
];

for (const colorScheme of ["light", "dark"]) {
  test(`every page fits, is accessible and quiet, ${colorScheme}`, async (t) => {
    const page = await fresh(t, browser, { colorScheme });
    await enter(page);
    for (const [name, path] of PAGES) {
      const answer = await page.goto(`${URL_}${path}`);
      assert.equal(answer.status(), 200, path);
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        await checkWidth(page, `${path} at ${width}`);
        if (width === 1280 || (width === 375 && colorScheme === "light")) await checkAccessible(page, `${path} at ${width}`);
        await picture(page, `${name}-${colorScheme}-${width}`);
      }
    }
  });
}

test("the first page weighs less than 100 kB", async (t) => {
  const page = await fresh(t, browser);
  let weight = 0;
  page.on("response", async (response) => {
    if (response.status() === 200) weight += gzipSync(await response.body()).length;
  });
  await enter(page);
  await page.waitForLoadState("networkidle");
  assert.ok(weight > 1000 && weight < 100_000, `${weight} bytes`);
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with" : "without";
  test(`in, another language, other colours, out again, ${how} script`, async (t) => {
    const page = await fresh(t, browser, { javaScriptEnabled });
    await enter(page, "/portal/about");
    assert.equal(await heading(page), "About");
    await page.getByText(TENANT, { exact: true }).waitFor();
    const apply = async (label, value, button) => {
      await page.getByLabel(label).selectOption(value);
      if (!javaScriptEnabled) await page.getByRole("button", { name: button }).click();
    };
    await apply("Language", "sv", "Apply");
    await page.getByRole("heading", { level: 1, name: "Om" }).waitFor();
    assert.equal(await page.getAttribute("html", "lang"), "sv");
    await apply("Färger", "dark", "Använd");
    await page.locator("html[data-theme=dark]").waitFor();
    await page.getByRole("button", { name: "Logga ut" }).click();
    await page.waitForURL("**/portal/signed-out");
    assert.equal(await heading(page), "Utloggad");
    await page.goto(`${URL_}/portal`);
    await page.getByLabel("Password").waitFor();
  });
}

test("the browser's language is spoken from the first page on", async (t) => {
  const page = await fresh(t, browser, { locale: "sv-SE" });
  await enter(page);
  assert.equal(await heading(page), "Översikt");
});

test("a page that does not exist says so, with the id of the request", async (t) => {
  const page = await fresh(t, browser);
  await enter(page);
  const answer = await page.goto(`${URL_}/portal/nothing/here`);
  assert.equal(answer.status(), 404);
  assert.equal(await heading(page), "This page does not exist");
  await page.getByText(answer.headers()["x-ms-request-id"]).waitFor();
  await checkAccessible(page, "404");
});

test("a session that was ended elsewhere is explained where it is noticed, and the way leads back", async (t) => {
  const page = await fresh(t, browser);
  await enter(page, "/portal/about");
  const account = await page.context().newPage();
  await account.goto(`${URL_}/account`);
  await account.getByRole("row").filter({ hasText: "(this one)" }).getByRole("button", { name: "Sign out" }).click();
  await account.waitForLoadState("load");
  const answer = await page.reload();
  assert.equal(answer.status(), 401);
  assert.equal(await heading(page), "Your session has ended");
  await page.getByRole("link", { name: "Sign in again" }).click();
  await page.getByLabel("User name").fill(process.env.CASBAH_USER);
  await page.getByLabel("Password").fill(process.env.CASBAH_PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL("**/portal/about");
});

test("keyboard alone: past the navigation, with focus in sight", async (t) => {
  const page = await fresh(t, browser);
  await enter(page);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await page.keyboard.press("Tab");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid");
});

/** Clicks and ticks, counted. */
function counting(page) {
  let clicks = 0;
  const click = async (locator) => {
    clicks += 1;
    await locator.click();
    await page.waitForLoadState("load");
  };
  return { click, clicks: () => clicks };
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with" : "without";
  test(`from nothing to a 200 in less than ten clicks, ${how} script`, async (t) => {
    const page = await fresh(t, browser, { javaScriptEnabled });
    await enter(page);
    const { click, clicks } = counting(page);
    const name = `SIEM <b>${randomUUID().slice(0, 8)}</b>`;
    await click(page.getByRole("link", { name: "Apps and tokens" }).and(page.locator(".side a")));
    await click(page.getByRole("link", { name: "Register an application" }));
    await page.getByLabel("Name", { exact: true }).fill(name);
    await click(page.getByText("Read alerts, activities, entities and IP ranges"));
    await click(page.getByRole("button", { name: "Register and make a key" }));
    assert.equal(await heading(page), `${name} is registered`);
    const secret = await page.locator(".secret code").first().innerText();
    assert.match(secret, /^[0-9A-Za-z]{3}8Cb~/);
    if (javaScriptEnabled) await checkAccessible(page, "secret");
    await click(page.getByRole("link", { name: "Try it" }));
    await click(page.getByRole("button", { name: "Fetch a token and call" }));
    await page.locator(".badge.good").filter({ hasText: "200" }).waitFor();
    assert.ok(clicks() < 10, `${clicks()} clicks`);
    assert.ok(!(await page.content()).includes(secret));
    if (javaScriptEnabled) await checkAccessible(page, "answer");
    await page.getByRole("link", { name: "Identity and keys" }).click();
    await page.getByRole("heading", { name: "Secrets", exact: true }).waitFor();
    // The key of the trial is gone again, the other is told by its beginning.
    assert.equal(await page.locator("section[aria-labelledby=keys] tbody tr").count(), 1);
    assert.ok(!(await page.content()).includes(secret));
    await page.getByRole("link", { name: "Permissions" }).click();
    await page.getByRole("cell", { name: /^Investigation.read/ }).waitFor();
    assert.equal(await page.getByText("Waiting for consent").count(), 0);

    // Rotation, removal, deletion.
    await page.getByRole("link", { name: "Identity and keys" }).click();
    await page.getByRole("button", { name: "Replace" }).click();
    await page.getByText("What it replaces goes on working until").waitFor();
    await page.getByRole("link", { name: "To the application" }).click();
    assert.equal(await page.locator("section[aria-labelledby=keys] tbody tr").count(), 2);
    await page.getByRole("button", { name: "Disable" }).click();
    await page.getByRole("button", { name: "Enable" }).waitFor();
    await page.getByLabel("Name of the application").fill("something else");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("This is not the name of the application.").waitFor();
    await page.goBack();
    await page.getByLabel("Name of the application").fill(name);
    await page.getByRole("button", { name: "Delete" }).click();
    await page.waitForURL("**/portal/apps");
    assert.equal(await page.getByRole("link", { name }).count(), 0);
  });
}

test("a form that is wrong keeps what was typed; one that was sent is not sent twice", async (t) => {
  const page = await fresh(t, browser);
  await enter(page, "/portal/apps/new?purpose=web");
  await page.getByLabel("Name", { exact: true }).fill("Half done");
  await page.getByText("Read alerts, activities, entities and IP ranges").click();
  await page.getByLabel("Redirect addresses").fill("ftp://nowhere");
  await page.getByRole("button", { name: "Register and make a key" }).click();
  await page.getByRole("alert").waitFor();
  await checkAccessible(page, "wrong");
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Half done");
  assert.equal(await page.getByRole("textbox", { name: "Redirect addresses" }).inputValue(), "ftp://nowhere");
  assert.ok(await page.getByRole("checkbox", { name: /Investigation.read/ }).isChecked());
  await page.getByLabel("Redirect addresses").fill("https://app.example/back");
  await page.getByRole("button", { name: "Register and make a key" }).click();
  await page.getByText("Half done is registered").waitFor();
  await page.reload();
  assert.equal(await heading(page), "This form was sent already");
});

test("a legacy token is made, shown once, and revoked", async (t) => {
  const page = await fresh(t, browser);
  await enter(page, "/portal/tokens");
  const name = `old ${randomUUID().slice(0, 8)}`;
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Make a legacy token" }).click();
  const token = await page.locator(".secret code").innerText();
  assert.ok(token.length >= 64);
  await page.getByRole("link", { name: "To the list" }).click();
  const row = page.getByRole("row").filter({ hasText: name });
  await row.getByText("Generated").waitFor();
  assert.ok(!(await page.content()).includes(token));
  await row.getByRole("button", { name: "Revoke" }).click();
  await page.waitForLoadState("load");
  assert.equal(await page.getByText(name).count(), 0);
});

test("a token is decoded, checked and explained", async (t) => {
  const page = await fresh(t, browser);
  await enter(page, "/portal/inspect");
  const { request } = page.context();
  const form = {
    grant_type: "client_credentials", client_id: process.env.CASBAH_CLIENT_ID, scope: DEFAULT,
    client_secret: process.env.CASBAH_CLIENT_SECRET,
  };
  const answer = await (await request.post(`${AUTHORITY}/oauth2/v2.0/token`, { form })).json();
  const look = async (token) => {
    await page.getByLabel("Token", { exact: true }).fill(token);
    await page.getByRole("button", { name: "Look into it" }).click();
    await page.waitForLoadState("load");
  };
  await look(answer.access_token);
  await page.getByText("Signed by this server", { exact: true }).waitFor();
  await page.getByRole("row").filter({ hasText: "Permissions that the application holds" }).waitFor();
  assert.ok(!(await page.content()).includes(answer.access_token));
  await checkAccessible(page, "token");
  await look(`${answer.access_token.slice(0, -6)}AAAAAA`);
  await page.getByText("Not signed by this server").waitFor();
  await look("nonsense");
  await page.getByRole("alert").waitFor();
});

test("a form of another session is explained and can be sent again; one of elsewhere cannot", async (t) => {
  const page = await fresh(t, browser);
  await enter(page, "/portal/tokens");
  await page.getByLabel("Name", { exact: true }).fill("typed before");
  await page.evaluate(() => { document.querySelector("#field-name").form.elements.proof.value = "old.old"; });
  await page.getByRole("button", { name: "Make a legacy token" }).click();
  assert.equal(await heading(page), "This form is out of date");
  await page.getByText("typed before").waitFor();
  await page.getByRole("button", { name: "Send it again" }).click();
  await page.getByText("The token, shown this once").waitFor();
  const forged = await page.context().request.post(`${URL_}/portal/tokens`, {
    form: { name: "forged", proof: "x.y" }, headers: { "Sec-Fetch-Site": "cross-site" },
  });
  assert.equal(forged.status(), 400);
  assert.ok(!(await forged.text()).includes("Send it again"));
});
