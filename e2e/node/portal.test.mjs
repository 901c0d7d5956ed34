// The portal in headless Chromium: with and without script, in both languages, light and dark, wide and narrow.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import process from "node:process";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { AUTHORITY, DEFAULT, TENANT, URL_ } from "./checks.mjs";
import { WIDTHS, checkAccessible, checkWidth, enter, fresh as freshPage, heading, picture } from "./portal-pages.mjs";
import { launch } from "./sign-in.mjs";

/** A certificate of nobody. */
const CERTIFICATE = readFileSync(process.env.CASBAH_CA, "utf8");

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Paths of forms that tests of this file sent with script off. */
const SENT_WITHOUT_SCRIPT = new Set();

/** A page as in `fresh`; with script off, what it sends is noted. */
async function fresh(t, ...given) {
  const page = await freshPage(t, ...given);
  if (given[1]?.javaScriptEnabled === false) {
    page.on("request", (request) => { if (request.method() === "POST") SENT_WITHOUT_SCRIPT.add(pathOf(request.url())); });
  }
  return page;
}

/** Every page that has an address of its own: the walk grows with each. */
const PAGES = [
  ["overview", "/portal"],
  ["apps", "/portal/apps"],
  ["app-new", "/portal/apps/new"],
  ["app-new-spa", "/portal/apps/new?purpose=spa"],
  ["app", `/portal/apps/${process.env.CASBAH_CLIENT_ID}`],
  ["app-permissions", `/portal/apps/${process.env.CASBAH_CLIENT_ID}/permissions`],
  ["app-try", `/portal/apps/${process.env.CASBAH_CLIENT_ID}/try`],
  ["app-setup", `/portal/apps/${process.env.CASBAH_CLIENT_ID}/setup`],
  ["app-log", `/portal/apps/${process.env.CASBAH_CLIENT_ID}/log`],
  ["alerts", "/portal/alerts"],
  ["discovery", "/portal/discovery"],
  ["discovered-apps", "/portal/discovery/apps"],
  ["discovered-users", "/portal/discovery/users"],
  ["discovered-user", "/portal/discovery/users/one?user=nobody"],
  ["discovered-addresses", "/portal/discovery/addresses"],
  ["reports", "/portal/discovery/streams"],
  ["scripts", "/portal/discovery/scripts?format=fortigate"],
  ["upload", "/portal/discovery/upload"],
  ["logs", "/portal/discovery/logs"],
  ["activities", "/portal/activities"],
  ["policies", "/portal/policies"],
  ["ip-ranges", "/portal/ip-ranges"],
  ["policy-new", "/portal/policies/new?type=AUDIT"],
  ["entities", "/portal/entities"],
  ["files", "/portal/files"],
  ["governance", "/portal/governance"],
  ["audit", "/portal/audit"],
  ["settings", "/portal/settings"],
  ["people", "/portal/people"],
  ["person-new", "/portal/people/new"],
  ["person", `/portal/people/${process.env.CASBAH_USER}`],
  ["tokens", "/portal/tokens"],
  ["inspect", "/portal/inspect"],
  ["about", "/portal/about"],
];

for (const colorScheme of ["light", "dark"]) {
  // Swedish in the dark, so that every page is looked at in both.
  const locale = colorScheme === "dark" ? "sv-SE" : "en-GB";
  test(`every page fits, is accessible and quiet, ${colorScheme}, ${locale}`, async (t) => {
    const page = await fresh(t, browser, { colorScheme, locale });
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

/** A log of today: a proxy's lines for some apps, and one line that is none. */
function log(lines = 40) {
  const now = Math.floor(Date.now() / 1000);
  const hosts = ["www.dropbox.com", "slack.com", "mega.nz", "wetransfer.com", "www.box.com"];
  const line = (n) => `${now - n * 60}.000 120 10.0.0.${n % 9 + 1} TCP_MISS/200 ${5000 + n * 900} POST `
    + `https://${hosts[n % hosts.length]}/upload user${n % 4} HIER_DIRECT/192.0.2.9 text/html`;
  return `${Array.from({ length: lines }, (_, n) => line(n)).join("\n")}\nthis is no line of a log\n`;
}

for (const javaScriptEnabled of [false, true]) {
  const how = javaScriptEnabled ? "with" : "without";
  test(`a log is uploaded, watched, and seen in the report, ${how} script`, async (t) => {
    const page = await fresh(t, browser, { javaScriptEnabled });
    await enter(page, "/portal/discovery/upload");
    await page.getByLabel("Where the log comes from").selectOption("SQUID_NATIVE");
    await page.getByText("A snapshot report of its own").click();
    const name = `Report ${randomUUID().slice(0, 8)}`;
    await page.getByLabel("Name of the snapshot report").fill(name);
    await page.getByLabel("The log", { exact: true }).setInputFiles({ name: "access.log", mimeType: "text/plain", buffer: Buffer.from(log()) });
    await page.getByRole("button", { name: "Upload" }).click();
    await page.waitForURL("**/portal/discovery/logs/*");
    await page.getByRole("heading", { name: "What became of its lines" }).waitFor();
    assert.equal(await heading(page), "access.log");
    if (javaScriptEnabled) await checkAccessible(page, "log");
    await page.getByRole("link", { name: "To the report" }).click();
    assert.equal(await heading(page), "Cloud discovery");
    await page.getByRole("img", { name: "Traffic by day" }).waitFor();
    await page.getByRole("link", { name: /Dropbox/ }).first().waitFor();
    if (javaScriptEnabled) {
      await page.setViewportSize({ width: 375, height: 800 });
      await checkWidth(page, "dashboard");
      await page.setViewportSize({ width: 1280, height: 800 });
      await checkAccessible(page, "dashboard");
      await picture(page, "discovery-with-data");
    }
    await page.getByRole("link", { name: "Reports" }).click();
    await page.getByRole("link", { name, exact: true }).waitFor();
  });
}

test("an app is tagged, and stands in a block script", async (t) => {
  const page = await fresh(t, browser);
  await enter(page, "/portal/discovery/streams");
  await page.getByLabel("Name", { exact: true }).fill("a name with blanks");
  await page.getByRole("button", { name: "Make the report" }).click();
  await page.getByRole("alert").waitFor();
  const report = `proxy-${randomUUID().slice(0, 8)}`;
  await page.getByLabel("Name", { exact: true }).fill(report);
  await page.getByLabel("Where its logs come from").selectOption("SQUID_NATIVE");
  await page.getByRole("button", { name: "Make the report" }).click();
  await page.getByRole("link", { name: report }).waitFor();
  await page.getByRole("link", { name: "Upload a log" }).click();
  await page.getByLabel("Continuous report", { exact: true }).selectOption(report);
  await page.getByLabel("Where the log comes from").selectOption("SQUID_NATIVE");
  await page.getByLabel("The log", { exact: true }).setInputFiles({ name: "more.log", mimeType: "text/plain", buffer: Buffer.from(log(41)) });
  await page.getByRole("button", { name: "Upload" }).click();
  await page.getByRole("heading", { name: "What became of its lines" }).waitFor();
  await page.goto(`${URL_}/portal/discovery/apps?sort=name&order=asc`);
  await checkAccessible(page, "apps");
  await page.getByRole("link", { name: /Dropbox/ }).click();
  await checkAccessible(page, "app");
  await page.getByRole("button", { name: "Tag as: Unsanctioned" }).click();
  await page.getByRole("button", { name: "Take away: Unsanctioned" }).waitFor();
  await page.getByRole("link", { name: "Block scripts" }).click();
  await page.getByLabel("Appliance").selectOption("fortigate");
  await page.getByRole("button", { name: "Make the script" }).click();
  await page.locator("pre").filter({ hasText: "dropbox" }).waitFor();
});

test("alerts: by keyboard through the queue, closed with a reason, filters as JSON and back", async (t) => {
  const page = await fresh(t, browser);
  await enter(page, "/portal/alerts");
  assert.deepEqual(filtersOf(page), { alertOpen: { eq: true } });
  await page.getByRole("checkbox").first().waitFor();
  await checkAccessible(page, "alerts");
  await picture(page, "alerts-with-data");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  assert.equal(await page.locator("tr[aria-selected=true]").count(), 1);
  const title = await page.locator("tr[aria-selected=true] a").innerText();
  await page.keyboard.press("o");
  await page.waitForURL(/portal\/alerts\/[0-9a-f]{24}/);
  assert.equal(await heading(page), title);
  await checkAccessible(page, "story");
  await picture(page, "story");
  await page.goBack();
  const before = await page.locator("tbody tr").count();
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("alert").filter({ hasText: "Mark the alerts" }).waitFor();
  await page.keyboard.press("Tab");
  await page.locator("tbody input[type=checkbox]").first().check();
  await page.getByLabel("Verdict and reason").selectOption("benign.6");
  await page.getByLabel("Comment").fill("walked through by a test");
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByText("1 alert was closed.").waitFor();
  await page.goto(`${URL_}/portal/alerts`);
  assert.equal(await page.locator("tbody tr").count(), before - 1);
});

/** Somebody signs in from Oslo and, an hour later, from Singapore. */
async function travel(page, user) {
  const at = Date.now() - 4 * 3_600_000;
  const sign = (n, city, country, latitude, longitude) => JSON.stringify({
    _id: `${user} ${n}`, timestamp: at + n * 3_600_000, appId: 20893, eventTypeName: "EVENT_CATEGORY_LOGIN", user: { userName: user },
    device: { clientIP: `192.0.2.${n + 1}`, countryCode: country }, location: { latitude, longitude, city, countryCode: country },
  });
  const lines = [sign(0, "Oslo", "NO", 59.91, 10.75), sign(1, "Singapore", "SG", 1.35, 103.82)].join("\n");
  const answer = await page.context().request.post(`${URL_}/api/v1/activities/ingest/`, {
    data: lines, headers: { Authorization: `Token ${process.env.CASBAH_API_TOKEN}`, "Content-Type": "application/x-ndjson" },
  });
  assert.ok(answer.ok(), await answer.text());
}

test("the story of an alert tells what happened when, to whom, and where on a map", async (t) => {
  const page = await fresh(t, browser);
  await enter(page);
  const user = `flyer-${randomUUID().slice(0, 6)}@lagoon.example`;
  await travel(page, user);
  // It is looked at as it arrives; the list is asked for until it is there.
  await page.goto(`${URL_}/portal/alerts?filters=${encodeURIComponent(JSON.stringify({ "entity.user": { eq: user } }))}`);
  while (await page.locator("tbody tr").count() === 0) await page.reload();
  await page.locator("tbody a").first().click();
  await page.getByRole("heading", { name: "What happened when" }).waitFor();
  assert.ok(await page.locator(".timeline li").count() >= 3);
  await page.getByRole("img", { name: "Where it happened" }).waitFor();
  await page.locator(".map").getByText("As a table").click();
  await page.getByRole("cell", { name: "Oslo, NO" }).waitFor();
  await page.getByRole("cell", { name: "Singapore, SG" }).waitFor();
  await page.getByRole("cell", { name: "192.0.2.2" }).first().waitFor();
  await checkAccessible(page, "map");
  await page.locator(".map").getByText("As a table").click();
  await picture(page, "story-with-map");
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await checkWidth(page, `story at ${width}`);
  }

  // The person behind it, with the score that came of it.
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(`${URL_}/portal/entities?filters=${encodeURIComponent(JSON.stringify({ displayName: { contains: user } }))}`);
  await page.locator("tbody a").first().click();
  await page.getByRole("heading", { name: "Score", exact: true }).waitFor();
  await page.getByRole("link", { name: "All its activities" }).waitFor();
  await page.getByRole("link", { name: "Impossible travel activity" }).first().waitFor();
  await checkAccessible(page, "entity");
  await picture(page, "entity");
});

/** The filters that stand in the address of a list. */
function filtersOf(page) {
  return JSON.parse(new URL(page.url()).searchParams.get("filters"));
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with" : "without";
  test(`filters are built, shown as JSON, pasted, saved, shared and exported, ${how} script`, async (t) => {
    const page = await fresh(t, browser, { javaScriptEnabled });
    await enter(page, "/portal/alerts");
    await page.getByLabel("State", { exact: true }).selectOption("");
    await page.getByRole("checkbox", { name: "Medium" }).check();
    await page.getByRole("checkbox", { name: "High" }).check();
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.waitForLoadState("load");
    assert.deepEqual(filtersOf(page), { severity: { eq: [1, 2] } });
    await page.getByLabel("Another filter").selectOption("date");
    await page.getByRole("button", { name: "Add" }).click();
    await page.getByLabel("When: how it is compared").selectOption("gte_ndays");
    await page.getByLabel("When", { exact: true }).fill("soon");
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.getByText("soon is no value for this filter.").waitFor();
    assert.equal(await page.getByLabel("When", { exact: true }).inputValue(), "soon");
    await page.getByLabel("When", { exact: true }).fill("30");
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.waitForLoadState("load");
    assert.deepEqual(filtersOf(page), { date: { gte_ndays: 30 }, severity: { eq: [1, 2] } });
    await page.getByText("These filters as JSON").click();
    const json = await page.locator("details[open] pre").first().innerText();
    assert.deepEqual(JSON.parse(json), filtersOf(page));
    if (javaScriptEnabled) await checkAccessible(page, "filters");

    // What the page shows is what the API takes.
    const name = `Worth a look ${randomUUID().slice(0, 6)}`;
    await page.getByText("Saved queries").click();
    await page.getByLabel("Save these filters as").fill(name);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("link", { name }).waitFor();
    await page.goto(`${URL_}/portal/alerts`);
    await page.getByText("Saved queries").click();
    await page.getByRole("link", { name }).click();
    await page.waitForLoadState("load");
    assert.deepEqual(filtersOf(page), JSON.parse(json));
    const link = await page.getByRole("link", { name: "JSON lines" }).getAttribute("href");
    const answer = await page.context().request.get(`${URL_}${link}`);
    assert.equal(answer.status(), 200);
    for (const line of (await answer.text()).trim().split("\n").filter(Boolean)) assert.ok([1, 2].includes(JSON.parse(line).severityValue));
    const csv = await page.context().request.get(`${URL_}${await page.getByRole("link", { name: "CSV" }).getAttribute("href")}`);
    assert.match(csv.headers()["content-type"], /^text\/csv/);
    assert.match(csv.headers()["content-disposition"], /^attachment/);
    await page.getByText("Saved queries").click();
    await page.locator("li").filter({ hasText: name }).getByRole("button", { name: "Forget" }).click();
    await page.waitForLoadState("load");
    assert.equal(await page.getByRole("link", { name }).count(), 0);

    await page.getByText("These filters as JSON").click();
    await page.getByLabel("Paste filters").fill('{"nothing":{"eq":1}}');
    await page.getByRole("button", { name: "Use these filters" }).click();
    await page.getByRole("alert").filter({ hasText: 'there is no filter "nothing"' }).waitFor();
  });

  if (!javaScriptEnabled) test(`a policy is made row by row, corrected, changed and deleted, ${how} script`, async (t) => {
    const page = await fresh(t, browser, { javaScriptEnabled });
    await enter(page, "/portal/policies");
    await page.getByRole("link", { name: "New policy on activities" }).click();
    const name = `Countries ${randomUUID().slice(0, 6)}`;
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Another filter").selectOption("location.country");
    await page.getByRole("button", { name: "Add" }).click();
    await page.getByLabel("Country", { exact: true }).fill("NO, SE");
    await page.getByLabel("So many times").fill("often");
    await page.getByRole("button", { name: "Save the policy" }).last().click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), name);
    assert.equal(await page.getByLabel("Country", { exact: true }).inputValue(), "NO, SE");
    if (javaScriptEnabled) await checkAccessible(page, "policy");
    await page.getByLabel("So many times").fill("3");
    await page.getByLabel("Within so many minutes").fill("10");
    await page.getByRole("button", { name: "Save the policy" }).last().click();
    await page.waitForURL(/portal\/policies\/[0-9a-f]{24}/);
    assert.equal(await heading(page), name);
    assert.equal(await page.getByLabel("Country", { exact: true }).inputValue(), "NO, SE");
    assert.equal(await page.getByLabel("So many times").inputValue(), "3");
    await page.getByLabel("Severity of its alerts").selectOption("2");
    await page.getByRole("button", { name: "Save the policy" }).last().click();
    await page.waitForLoadState("load");
    assert.equal(await page.getByLabel("Severity of its alerts").inputValue(), "2");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.waitForURL("**/portal/policies");
    assert.equal(await page.getByText(name).count(), 0);
  });

  if (!javaScriptEnabled) test(`people: made, corrected, given roles, kept out and deleted, ${how} script`, async (t) => {
    const page = await fresh(t, browser, { javaScriptEnabled });
    await enter(page, "/portal/people/new");
    const nick = `p${randomUUID().slice(0, 8)}`;
    const user = `${nick}@${process.env.CASBAH_USER.split("@")[1]}`;
    await page.getByLabel("Name", { exact: true }).fill("Pia Person");
    await page.getByLabel("Sign-in name", { exact: true }).fill(`${nick}@elsewhere.example`);
    await page.getByRole("button", { name: "Make the person" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Pia Person");
    await page.getByLabel("Sign-in name", { exact: true }).fill(user);
    await page.getByRole("button", { name: "Make the person" }).click();
    await page.getByText("The password, shown this once").waitFor();
    const password = await page.locator(".secret code").innerText();
    assert.ok(password.length >= 20);
    await page.getByRole("link", { name: "To the person" }).click();
    assert.ok(!(await page.content()).includes(password));
    await page.getByLabel("Mail").fill("pia@lagoon.example");
    await page.getByRole("button", { name: "Save the names" }).click();
    await page.getByText("pia@lagoon.example", { exact: true }).waitFor();
    await page.getByLabel("Role of the directory", { exact: true }).selectOption({ label: "Security Reader" });
    await page.getByRole("button", { name: "Give the role", exact: true }).click();
    await page.getByRole("row").filter({ hasText: "given to the person" }).waitFor();
    await page.getByLabel("Role of Cloud Apps", { exact: true }).selectOption({ label: "Compliance administrator" });
    await page.getByLabel("Within").fill("Box");
    await page.getByRole("button", { name: "Give the role of Cloud Apps" }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Within").fill("");
    await page.getByRole("button", { name: "Give the role of Cloud Apps" }).click();
    await page.getByRole("row").filter({ hasText: "Compliance administrator" }).getByRole("button", { name: "Take away" }).click();
    await page.getByRole("row").filter({ hasText: "Security Reader" }).getByRole("button", { name: "Take away" }).click();
    await page.waitForLoadState("load");
    assert.equal(await page.getByRole("button", { name: "Take away" }).count(), 0);
    await page.getByRole("button", { name: "Disable" }).click();
    await page.getByRole("button", { name: "Enable" }).click();
    await page.getByRole("button", { name: "Sign out everywhere" }).click();
    await page.getByLabel("Password").fill("short");
    await page.getByRole("button", { name: "Reset the password" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Password").inputValue(), "");
    await page.getByRole("button", { name: "Reset the password" }).click();
    await page.getByText("The password, shown this once").waitFor();
    await page.getByRole("link", { name: "To the person" }).click();
    await page.getByLabel("Sign-in name of the person").fill("somebody else");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("This is not the sign-in name of the person.").first().waitFor();
    await page.getByLabel("Sign-in name of the person").fill(user);
    await page.getByRole("button", { name: "Delete" }).click();
    await page.waitForURL("**/portal/people");
    assert.equal(await page.getByText(user).count(), 0);
    await page.goto(`${URL_}/portal/people/new`);
    await page.getByLabel("Mail of the guest").fill(`${nick}@partner.example`);
    await page.getByRole("button", { name: "Invite" }).click();
    await page.locator("code").filter({ hasText: "/invitations/redeem" }).waitFor();
  });

  if (!javaScriptEnabled) test(`redirect addresses, providers and owners of an application, ${how} script`, async (t) => {
    const page = await fresh(t, browser, { javaScriptEnabled });
    await enter(page, "/portal/apps/new?purpose=web");
    await page.getByLabel("Name", { exact: true }).fill(`Shop ${randomUUID().slice(0, 6)}`);
    await page.getByLabel("Redirect addresses").fill("https://shop.example/back");
    await page.getByRole("button", { name: "Register and make a key" }).click();
    await page.getByRole("link", { name: "To the application" }).click();
    await page.getByRole("link", { name: "Addresses and owners" }).click();
    assert.equal(await page.getByLabel("Web app").inputValue(), "https://shop.example/back");
    await page.getByLabel("Single-page app").fill("https://shop.example/app\nftp://nowhere");
    await page.getByRole("button", { name: "Save the addresses" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Single-page app").getAttribute("aria-invalid"), "true");
    await page.getByLabel("Single-page app").fill("https://shop.example/app");
    await page.getByRole("button", { name: "Save the addresses" }).click();
    await page.waitForLoadState("load");
    assert.equal(await page.getByLabel("Single-page app").inputValue(), "https://shop.example/app");
    await page.getByLabel("Name", { exact: true }).fill("deploy");
    await page.getByLabel("Issuer").fill("http://plain.example");
    await page.getByLabel("Subject").fill("repo:shop:main");
    await page.getByRole("button", { name: "Save the provider" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Subject").inputValue(), "repo:shop:main");
    await page.getByLabel("Issuer").fill("https://token.lagoon.example");
    await page.getByRole("button", { name: "Save the provider" }).click();
    const row = page.getByRole("row").filter({ hasText: "deploy" });
    await row.getByRole("link", { name: "Change" }).click();
    await page.getByLabel("Subject").fill("repo:shop:release");
    await page.getByRole("button", { name: "Save the provider" }).click();
    await row.getByText("repo:shop:release").waitFor();
    await row.getByRole("button", { name: "Remove" }).click();
    await page.waitForLoadState("load");
    assert.equal(await page.getByText("repo:shop:release").count(), 0);
    await page.getByLabel("Sign-in name or object id").fill("nobody");
    await page.getByRole("button", { name: "Add the owner" }).click();
    await page.getByText("Nobody here has this name or id.").first().waitFor();
    await page.getByLabel("Sign-in name or object id").fill(`reader@${process.env.CASBAH_USER.split("@")[1]}`);
    await page.getByRole("button", { name: "Add the owner" }).click();
    const owner = page.getByRole("row").filter({ hasText: "reader@" });
    await owner.getByRole("button", { name: "Remove" }).click();
    await page.waitForLoadState("load");
    assert.equal(await owner.count(), 0);
  });

  test(`a form that is sent when the session has ended comes back with what was typed, ${how} script`, async (t) => {
    const page = await fresh(t, browser, { javaScriptEnabled });
    await enter(page, "/portal/ip-ranges");
    const name = `Late ${randomUUID().slice(0, 8)}`;
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByRole("textbox", { name: "Addresses" }).fill(javaScriptEnabled ? "198.51.100.64/28" : "198.51.100.80/28");
    await page.context().clearCookies({ name: "__Host-casbah-portal" });
    await page.getByRole("button", { name: "Add the range" }).click();
    assert.equal(await heading(page), "Your session has ended");
    await page.getByText(name).first().waitFor();
    const [tab] = await Promise.all([
      page.context().waitForEvent("page"),
      page.getByRole("link", { name: "Sign in again" }).click(),
    ]);
    await tab.waitForURL("**/portal");
    await page.getByRole("button", { name: "Go on with what was typed" }).click();
    assert.equal(await heading(page), "This form is out of date");
    await page.getByText(name).first().waitFor();
    await page.getByRole("button", { name: "Send it again" }).click();
    await page.getByRole("link", { name }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.waitForURL("**/portal/ip-ranges");
  });

  if (!javaScriptEnabled) test(`settings of the tenant: a wrong number is said at its field, a good one is kept, ${how} script`, async (t) => {
    const page = await fresh(t, browser, { javaScriptEnabled });
    await enter(page, "/portal/settings");
    const alerts = page.getByLabel("Alerts, in days");
    await alerts.fill("3");
    await page.getByRole("button", { name: "Save the settings" }).click();
    await page.getByRole("alert").filter({ hasText: "7 to 3650 days" }).waitFor();
    assert.equal(await alerts.inputValue(), "3");
    await alerts.fill(javaScriptEnabled ? "200" : "180");
    await page.getByRole("button", { name: "Save the settings" }).click();
    await page.getByText("The settings are saved.").waitFor();
    assert.equal(await alerts.inputValue(), javaScriptEnabled ? "200" : "180");
  });
}

test("an IP range is added in place and removed; what is wrong is said at its field", async (t) => {
  const page = await fresh(t, browser);
  await enter(page, "/portal/ip-ranges");
  const name = `Office ${randomUUID().slice(0, 8)}`;
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("textbox", { name: "Addresses" }).fill("nonsense");
  await page.getByRole("button", { name: "Add the range" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), name);
  await page.getByRole("textbox", { name: "Addresses" }).fill("192.0.2.0/24\n2001:db8::/32");
  await page.getByRole("button", { name: "Add the range" }).click();
  const row = page.getByRole("row").filter({ hasText: name });
  await row.getByText("2001:db8::/32").waitFor();
  await row.getByRole("link", { name }).click();
  await page.getByLabel("Tags").fill("office, guests");
  await page.getByRole("textbox", { name: "Addresses" }).fill("198.51.100.0/24");
  await page.getByRole("button", { name: "Save the range" }).click();
  await row.getByText("198.51.100.0/24").waitFor();
  await row.getByText(/guests/).waitFor();
  await row.getByRole("link", { name }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.waitForLoadState("load");
  assert.equal(await page.getByText(name).count(), 0);
});

test("what is left of the forms, without script", async (t) => {
  const page = await fresh(t, browser, { javaScriptEnabled: false });
  await enter(page, "/portal/tokens");
  const name = `Form ${randomUUID().slice(0, 8)}`;
  const press = async (button, within = page) => {
    await within.getByRole("button", { name: button, exact: true }).first().click();
    await page.waitForLoadState("load");
  };
  await page.getByLabel("Name", { exact: true }).fill(name);
  await press("Make a legacy token");
  const token = await page.locator(".secret code").innerText();
  await page.getByRole("link", { name: "To the list" }).click();
  await press("Revoke", page.getByRole("row").filter({ hasText: name }));
  await page.goto(`${URL_}/portal/inspect`);
  await page.getByLabel("Token", { exact: true }).fill(token);
  await press("Look into it");

  // An application: another secret and out with it, another name, another permission and its consent.
  await page.goto(`${URL_}/portal/apps/new?purpose=service`);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await press("Register and make a key");
  await page.getByRole("link", { name: "To the application" }).click();
  await press("Make a secret");
  await page.getByRole("link", { name: "To the application" }).click();
  await press("Remove", page.locator("section[aria-labelledby=keys]"));
  await page.getByText("Add a certificate").click();
  await page.getByLabel("Certificate", { exact: true }).fill(CERTIFICATE);
  await press("Add the certificate");
  await press("Remove", page.locator("section[aria-labelledby=certificates]"));
  await page.getByLabel("New name").fill(`${name} again`);
  await press("Rename");
  await press("Disable");
  await press("Enable");
  await page.getByRole("link", { name: "Permissions" }).click();
  await page.getByText("Read alerts, activities, entities and IP ranges").first().click();
  await press("Save what it asks for");
  await press("Consent for the whole organisation");
  await press("Withdraw");

  // Alerts: read, closed from the page, opened again; policies and discovery.
  await page.goto(`${URL_}/portal/alerts?filters=${encodeURIComponent("{}")}`);
  await page.locator("tbody a").first().click();
  await page.waitForURL(/portal\/alerts\/[0-9a-f]{24}/);
  await press((await page.getByRole("button", { name: "Mark as read" }).count()) ? "Mark as read" : "Mark as unread");
  if (await page.getByRole("button", { name: "Close", exact: true }).count()) {
    const story = page.url();
    await press("Close");
    await page.goto(story);
  }
  await press("Open it again");
  await page.getByLabel("Verdict and reason").waitFor();
  await page.goto(`${URL_}/portal/policies`);
  await press("Disable");
  await press("Enable");
  await page.goto(`${URL_}/portal/discovery/streams`);
  await page.getByLabel("Name", { exact: true }).fill(`proxy-${randomUUID().slice(0, 8)}`);
  await press("Make the report");
  await page.goto(`${URL_}/portal/ip-ranges`);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("textbox", { name: "Addresses" }).fill("198.51.100.128/28");
  await press("Add the range");
  await page.getByRole("link", { name }).click();
  await press("Save the range");
  await page.getByRole("link", { name }).click();
  await press("Delete");
});

/** The path of a form with its ids taken out. */
const pathOf = (address) => new URL(address).pathname.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{24}|people\/[^/]+@[^/]+/g, (id) => (
  id.startsWith("people/") ? "people/ID" : "ID"));

test("every form on every page was sent without script", async (t) => {
  const page = await fresh(t, browser);
  await enter(page);
  const found = new Set();
  for (const [, path] of PAGES) {
    await page.goto(`${URL_}${path}`);
    for (const action of await page.locator("form[method=post]").evaluateAll((all) => all.map((form) => form.action))) found.add(pathOf(action));
  }
  const missing = [...found].filter((path) => !SENT_WITHOUT_SCRIPT.has(path));
  assert.ok(found.size > 25, `${found.size}`);
  // Saved queries, user groups and tags are sent by tests of their own where there is something to send.
  assert.deepEqual(missing, []);
});

test("who may only read finds nothing to press that would be refused", async (t) => {
  const page = await fresh(t, browser);
  await enter(page);
  const { request } = page.context();
  const call = async (path, data) => {
    const form = {
      grant_type: "password", client_id: "6c1d2f0a-3b7e-4c58-9a41-ca5bab000001", username: process.env.CASBAH_USER,
      password: process.env.CASBAH_PASSWORD, scope: "https://graph.microsoft.com/.default",
    };
    const token = await (await request.post(`${AUTHORITY}/oauth2/v2.0/token`, { form })).json();
    const answer = await request.post(`${URL_}/v1.0${path}`, { data, headers: { Authorization: `Bearer ${token.access_token}` } });
    assert.ok(answer.ok(), `${path}: ${await answer.text()}`);
    return answer.json();
  };
  const nick = `r${randomUUID().slice(0, 8)}`;
  const user = `${nick}@${process.env.CASBAH_USER.split("@")[1]}`;
  const password = "kettle orbit seven lamps";
  const made = await call("/users", {
    accountEnabled: true, displayName: "Rea Reader", userPrincipalName: user, mailNickname: nick,
    passwordProfile: { password, forceChangePasswordNextSignIn: false },
  });
  await call("/roleManagement/directory/roleAssignments", {
    principalId: made.id, roleDefinitionId: "5d6b6bb7-de71-4623-b4af-96380a352509", directoryScopeId: "/",
  });
  const reader = await fresh(t, browser);
  await enter(reader, "/portal", user, password);
  const known = ["Sign out", "Apply", "Filter", "Add", "Save", "Forget", "Search", "Show", "Use these filters", "Make the script", "Copy",
    "Look into it", "Make a legacy token", "Revoke", "Mark as read", "Mark as unread"];
  for (const [, path] of PAGES) {
    const answer = await reader.goto(`${URL_}${path}`);
    if (answer.status() === 403) continue;
    assert.equal(answer.status(), 200, path);
    for (const button of await reader.getByRole("button").allInnerTexts()) assert.ok(known.includes(button), `${path}: ${button}`);
    assert.equal(await reader.locator("main a.button").filter({ hasText: /Register|Upload/ }).count(), 0, path);
    // Where the navigation leads, there is a page.
    for (const link of await reader.locator(".side a").evaluateAll((all) => all.map((a) => a.getAttribute("href")))) {
      if (path === "/portal") assert.ok((await reader.context().request.get(`${URL_}${link}`)).ok(), link);
    }
  }
});
