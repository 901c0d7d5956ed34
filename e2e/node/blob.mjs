// Microsoft's library for blobs, given an address of `upload_url`: logs sent at once and in blocks, with the checksums
// that it knows, conditions, and refusals in the words that it looks for. Each log is read to the end.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { BlockBlobClient } from "@azure/storage-blob";
import { Checks, URL_, env } from "./checks.mjs";

const checks = new Checks("Storage Blob for JavaScript", "@azure/storage-blob");
const STREAM = "blobs-javascript";
// So small that a log of some hundred lines is larger.
const SMALL = { maxSingleShotSize: 16 * 1024, blockSize: 8 * 1024, concurrency: 4 };

async function api(method, path, body) {
  const answer = await fetch(`${URL_}/api/v1/${path}`, {
    method,
    headers: { Authorization: `Token ${env.CASBAH_API_TOKEN}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, text);
  return JSON.parse(text);
}

const address = async (name) =>
  (await api("GET", `discovery/upload_url/?filename=${encodeURIComponent(name)}&source=SQUID_NATIVE`)).url;

const client = (url) => new BlockBlobClient(url, undefined, { retryOptions: { maxTries: 1 } });

/** A log of so many lines, which no other check sends. */
function log(lines, name) {
  const now = (Date.now() / 1000).toFixed(3);
  const line = (number) =>
    `${now} 120 10.0.0.8 TCP_MISS/200 4096 GET https://www.dropbox.com/${encodeURIComponent(name)}/${number} ann `
    + "HIER_DIRECT/192.0.2.1 text/html\n";
  return Buffer.from(Array.from({ length: lines }, (_, number) => line(number)).join(""));
}

/** Ends the upload; the server read so many lines. */
async function finish(url, name, lines) {
  const { data: sources } = await api("GET", "discovery/data_sources/?limit=100");
  if (!sources.some(({ displayName }) => displayName === STREAM)) {
    await api("POST", "discovery/data_sources/", { displayName: STREAM, logType: "SQUID_NATIVE" });
  }
  await api("POST", "discovery/done_upload/", { uploadUrl: url, inputStreamName: STREAM });
  for (let tries = 0; tries < 300; tries += 1) {
    const { data: tasks } = await api("GET", "governance/?limit=100");
    const task = tasks.find((one) => JSON.stringify(one).includes(name));
    if (task.status.isSuccess !== null) {
      assert.equal(task.figures.parsed, lines, JSON.stringify(task));
      return;
    }
    await setTimeout(200);
  }
  assert.fail("the log was not read in a minute");
}

async function refused(status, code, call) {
  const problem = await call().then(() => assert.fail(`not refused with ${code}`), (error) => error);
  assert.deepEqual([problem.statusCode, problem.code], [status, code], problem.message);
}

checks.of("upload: at once", async () => {
  const ways = {
    plain: {},
    framed: { contentChecksumAlgorithm: "StorageCrc64" },
  };
  for (const [way, options] of Object.entries(ways)) {
    const name = `at once, ${way}.js.log`;
    const [url, sent] = [await address(name), log(20, name)];
    const answer = await client(url).uploadData(sent, { ...SMALL, ...options });
    assert.ok(answer.etag.startsWith('"0x') && answer.lastModified, JSON.stringify(answer));
    await finish(url, name, 20);
  }
  const name = "at once, MD5.js.log";
  const [url, sent] = [await address(name), log(20, name)];
  const md5 = createHash("md5").update(sent).digest();
  const answer = await client(url).upload(sent, sent.length, { transactionalContentMD5: md5 });
  assert.deepEqual(Buffer.from(answer.contentMD5), md5);
  const again = await client(url).upload(sent, sent.length, {
    transactionalContentCrc64: Buffer.from(answer.xMsContentCrc64),
  });
  assert.deepEqual(again.xMsContentCrc64, answer.xMsContentCrc64);
  await finish(url, name, 20);
});

checks.of("upload: in blocks", async () => {
  for (const [way, options] of Object.entries({ plain: {}, framed: { contentChecksumAlgorithm: "StorageCrc64" } })) {
    const name = `blocks, ${way}.js.log`;
    const [url, sent] = [await address(name), log(500, name)];
    await client(url).uploadData(sent, { ...SMALL, ...options });
    await finish(url, name, 500);
    const other = `stream, ${way}.js.log`;
    const [second, streamed] = [await address(other), log(500, other)];
    await client(second).uploadStream(Readable.from([streamed]), 8 * 1024, 4, options);
    await finish(second, other, 500);
  }
});

checks.of("upload: staged by hand", async () => {
  const name = "staged.js.log";
  const [url, sent] = [await address(name), log(30, name)];
  const [blob, id] = [client(url), (text) => Buffer.from(text).toString("base64")];
  const parts = [["b", sent.subarray(1000)], ["a", Buffer.from("replaced")], ["a", sent.subarray(0, 1000)]];
  for (const [block, part] of parts) await blob.stageBlock(id(block), part, part.length);
  await refused(400, "InvalidBlockList", () => blob.commitBlockList([id("d")]));
  await blob.commitBlockList([id("a"), id("b")]);
  await finish(url, name, 30);
});

checks.of("upload: conditions", async () => {
  const name = "again.js.log";
  const url = await address(name);
  const blob = client(url);
  const first = await blob.upload("first", 5, { conditions: { ifNoneMatch: "*" } });
  await refused(409, "BlobAlreadyExists", () => blob.upload("second", 6, { conditions: { ifNoneMatch: "*" } }));
  const second = await blob.upload("third", 5, { conditions: { ifMatch: first.etag } });
  await refused(412, "ConditionNotMet", () => blob.upload("fourth", 6, { conditions: { ifMatch: first.etag } }));
  const sent = log(10, name);
  await blob.uploadData(sent, { conditions: { ifMatch: second.etag } });
  await finish(url, name, 10);
});

checks.of("errors: damage, foreign and used addresses, reading", async () => {
  const name = "errors.js.log";
  const [url, sent] = [await address(name), log(5, name)];
  const blob = client(url);
  const wrong = (length) => Buffer.alloc(length);
  await refused(400, "Md5Mismatch", () => blob.upload("x", 1, { transactionalContentMD5: wrong(16) }));
  await refused(400, "Crc64Mismatch", () => blob.upload("x", 1, { transactionalContentCrc64: wrong(8) }));
  await refused(403, "AuthorizationPermissionMismatch", () => blob.download());
  await refused(403, "AuthorizationPermissionMismatch", () => blob.getBlockList("all"));
  await blob.uploadData(sent);
  await finish(url, name, 5);
  await refused(409, "BlobImmutableDueToPolicy", () => blob.upload("x", 1));
  await refused(403, "AuthenticationFailed", () => client(url.replace("sig=", "sig=A")).upload("x", 1));
});

await checks.run();
