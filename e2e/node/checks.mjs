// How test programs report: one line per check, `client TAB flow TAB version TAB pass|fail TAB reason`;
// see ../python/checks.py, which says the same for Python. And what the clients' checks share.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import process from "node:process";

export const env = process.env;
export const URL_ = env.CASBAH_URL;
export const TENANT = env.CASBAH_TENANT;
export const AUTHORITY = `${URL_}/${TENANT}`;
export const RESOURCE = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
export const DEFAULT = `${RESOURCE}/.default`;
export const READ = `${RESOURCE}/Investigation.read`;

/** The checks of one client: `of(flow, check)` adds one, `run()` runs and reports them all. */
export class Checks {
  #all = [];

  constructor(client, module) {
    const manifest = new URL(`node_modules/${module}/package.json`, import.meta.url);
    this.client = client;
    this.version = JSON.parse(readFileSync(manifest)).version;
  }

  of(flow, check) {
    this.#all.push([flow, check]);
  }

  async run(only = process.argv[2] ?? "") {
    for (const [flow, check] of this.#all.filter(([name]) => name.includes(only))) {
      let [result, reason] = ["pass", ""];
      try {
        await check();
      } catch (problem) {
        console.error(problem);
        [result, reason] = ["fail", shown(problem)];
      }
      console.log([this.client, flow, this.version, result, reason].join("\t"));
    }
    process.exit(0);
  }
}

/** One line without what differs from run to run. */
function shown(problem) {
  const text = `${problem.name}: ${problem.message}`.split("Trace ID")[0];
  return text.replace(/\s+/g, " ").replaceAll("|", "/").slice(0, 200).trim();
}

export function claims(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}

/** The token is good for what it was asked for: the API answers. */
export async function listAlerts(token) {
  const answer = await fetch(`${URL_}/api/v1/alerts/`, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200);
  const body = await answer.json();
  assert.ok(Array.isArray(body.data) && typeof body.hasNext === "boolean");
}

/** Has the shared browser (browser.mjs) sign in at an address, or approve a device's code. */
export async function browser(action, parameters) {
  const answer = await fetch(`${env.E2E_BROWSER}/${action}?${new URLSearchParams(parameters)}`);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return text;
}

/** A client's own address on loopback, which takes one answer of the authorize endpoint. */
export function listen() {
  return new Promise((ready) => {
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => { body += chunk; });
      request.on("end", () => {
        response.end("done");
        const query = new URL(request.url, "http://localhost").searchParams;
        if (query.has("code") || query.has("error")) taken(query);
        else if (body) taken(new URLSearchParams(body));
      });
    });
    let taken;
    const received = new Promise((resolve) => { taken = resolve; });
    server.listen(0, "127.0.0.1", () => {
      const address = `http://localhost:${server.address().port}`;
      /** Signs in at an authorize address of this listener's client; the fields that came back. */
      const signIn = async (authorizeUrl) => {
        const [fields] = await Promise.all([received, browser("sign-in", { url: authorizeUrl })]);
        server.close();
        return fields;
      };
      ready({ address, received, signIn, close: () => server.close() });
    });
  });
}
