// One headless Chromium for all test programs, whatever they are written in. They ask it over HTTP on
// loopback, and it answers when the person is done:
//
//   GET /sign-in?url=…           signs in there; the body is the address that was reached outside Casbah
//   GET /approve?uri=…&code=…    confirms a device's code; the body is the heading of the last page
//
// Parameters `user` and `password` choose another person than CASBAH_USER; `cancel=1` says no.
// The first line of output is the address to ask.

import { createServer } from "node:http";
import process from "node:process";
import { approve, launch, signIn } from "./sign-in.mjs";

const browser = await launch();

async function act(url) {
  const asked = url.searchParams;
  const person = {
    browser,
    user: asked.get("user") ?? process.env.CASBAH_USER,
    password: asked.get("password") ?? process.env.CASBAH_PASSWORD,
    accept: !asked.has("cancel"),
  };
  if (url.pathname === "/sign-in") return signIn(asked.get("url"), person);
  if (url.pathname === "/approve") return approve(asked.get("uri"), asked.get("code"), person);
  throw new Error(`no such action: ${url.pathname}`);
}

const server = createServer(async (request, response) => {
  try {
    response.end(await act(new URL(request.url, "http://localhost")));
  } catch (error) {
    console.error(error);
    response.writeHead(500).end(String(error));
  }
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
// Whoever started this keeps its standard input open for as long as the browser is needed.
process.stdin.resume().on("end", async () => {
  await browser.close();
  process.exit(0);
});
