"""Microsoft's library for blobs, given an address of `upload_url`: logs sent at once and in blocks, with the checksums
that it knows, conditions, and refusals in the words that it looks for. Each log is read to the end."""

import io
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import azure.storage.blob
from azure.core import MatchConditions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
)
from azure.storage.blob import BlobBlock, BlobClient

from checks import ENV, URL, Checks, trusting

checks = Checks("Storage Blob for Python", azure.storage.blob.__version__)
STREAM = "blobs-python"
# So small that a log of some hundred lines is larger.
SINGLE, BLOCK = 16 * 1024, 8 * 1024


def api(method, path, body=None):
    headers = {"Authorization": f"Token {ENV['CASBAH_API_TOKEN']}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URL}/api/v1/{path}", data, headers, method=method)
    with urllib.request.urlopen(request, context=trusting(), timeout=60) as answer:
        return json.load(answer)


def address(name):
    return api("GET", f"discovery/upload_url/?filename={urllib.parse.quote(name)}&source=SQUID_NATIVE")["url"]


def client(url, **options):
    return BlobClient.from_blob_url(url, connection_verify=ENV["CASBAH_CA"], retry_total=0, **options)


def log(lines, name):
    """A log of so many lines, which no other check sends."""
    now = time.time()
    text = "{:.3f} 120 10.0.0.7 TCP_MISS/200 4096 GET https://www.dropbox.com/{}/{} ann HIER_DIRECT/192.0.2.1 text/html\n"
    return "".join(text.format(now, urllib.parse.quote(name), number) for number in range(lines)).encode()


def finish(url, name, lines):
    """Ends the upload; the server read so many lines."""
    sources = api("GET", "discovery/data_sources/?limit=100")["data"]
    if not any(source["displayName"] == STREAM for source in sources):
        api("POST", "discovery/data_sources/", {"displayName": STREAM, "logType": "SQUID_NATIVE"})
    api("POST", "discovery/done_upload/", {"uploadUrl": url, "inputStreamName": STREAM})
    for _ in range(300):
        tasks = api("GET", "governance/?limit=100")["data"]
        task = next(task for task in tasks if name in json.dumps(task))
        if task["status"]["isSuccess"] is not None:
            assert task["figures"]["parsed"] == lines, task
            return
        time.sleep(0.2)
    raise AssertionError("the log was not read in a minute")


def refused(error, code, call):
    try:
        call()
    except error as problem:
        assert problem.error_code == code, problem
        return
    raise AssertionError(f"not refused with {code}")


def sends(name, lines, content=lambda log: log, **options):
    """One upload in one way, from the address to the report."""
    url, sent = address(name), log(lines, name)
    limits = {"max_single_put_size": SINGLE, "max_block_size": BLOCK, "min_large_block_upload_threshold": BLOCK + 1}
    with client(url, **limits) as blob:
        answer = blob.upload_blob(content(sent), length=len(sent), **options)
        assert answer["etag"].startswith('"0x'), answer
        assert answer["last_modified"], answer
    finish(url, name, lines)


@checks.of("upload: at once")
def _():
    sends("at once.log", 20)
    sends("at once, MD5.log", 20, validate_content=True)
    sends("at once, CRC64.log", 20, validate_content="crc64")


@checks.of("upload: at once, framed")
def _():
    sends("framed.log", 20, io.BytesIO, validate_content="crc64")


@checks.of("upload: in blocks")
def _():
    sends("blocks.log", 500)
    sends("blocks at a time.log", 500, io.BytesIO, max_concurrency=4)
    sends("blocks, MD5.log", 500, validate_content=True)
    sends("blocks, CRC64.log", 500, io.BytesIO, validate_content="crc64", max_concurrency=2)


@checks.of("upload: in blocks of megabytes, framed")
def _():
    url, name = address("large.log"), "large.log"
    sent = log(60_000, name)
    # Blocks above the threshold are streamed, in frames of several segments.
    limits = {"max_single_put_size": SINGLE, "max_block_size": 6 << 20, "min_large_block_upload_threshold": 1 << 20}
    with client(url, **limits) as blob:
        blob.upload_blob(io.BytesIO(sent), length=len(sent), validate_content="crc64")
    finish(url, name, 60_000)


@checks.of("upload: staged by hand")
def _():
    url, name = address("staged.log"), "staged.log"
    sent = log(30, name)
    with client(url) as blob:
        for block, part in [("b", sent[1000:]), ("a", b"replaced"), ("a", sent[:1000]), ("c", b"dropped")]:
            blob.stage_block(block, part, validate_content=True)
        refused(HttpResponseError, "InvalidBlockList", lambda: blob.commit_block_list([BlobBlock("d")]))
        blob.commit_block_list([BlobBlock("a"), BlobBlock("b")], validate_content=True)
    finish(url, name, 30)


@checks.of("upload: overwrite and conditions")
def _():
    url, name = address("again.log"), "again.log"
    with client(url) as blob:
        first = blob.upload_blob(b"first", overwrite=False)
        refused(ResourceExistsError, "BlobAlreadyExists", lambda: blob.upload_blob(b"second", overwrite=False))
        blob.upload_blob(b"third", overwrite=True)
        same = {"etag": first["etag"], "match_condition": MatchConditions.IfNotModified, "overwrite": True}
        refused(ResourceModifiedError, "ConditionNotMet", lambda: blob.upload_blob(b"fourth", **same))
        second = blob.upload_blob(b"fifth", overwrite=True)
        same["etag"] = second["etag"]
        blob.upload_blob(log(10, name), **same)
    finish(url, name, 10)


@checks.of("errors: damage, foreign and used addresses, reading")
def _():
    url, name = address("errors.log"), "errors.log"

    def damaged(header):
        def hook(request):
            request.http_request.headers[header] = "AAAAAAAAAAAAAAAAAAAAAA==" if "MD5" in header else "AAAAAAAAAAA="

        return hook

    with client(url) as blob:
        for header, code in [("Content-MD5", "Md5Mismatch"), ("x-ms-content-crc64", "Crc64Mismatch")]:
            hook = damaged(header)
            refused(HttpResponseError, code, lambda hook=hook: blob.upload_blob(b"x", raw_request_hook=hook))
        for read in [blob.get_blob_properties, blob.download_blob, blob.get_block_list, blob.exists]:
            try:
                read()
            except HttpResponseError as problem:
                assert problem.status_code == 403, problem
            else:
                raise AssertionError(f"{read.__name__} is allowed")
        blob.upload_blob(log(5, name))
    finish(url, name, 5)
    with client(url) as blob:
        refused(HttpResponseError, "BlobImmutableDueToPolicy", lambda: blob.upload_blob(b"x", overwrite=True))
    other = address("other.log")
    parts, stolen = urllib.parse.urlsplit(other), urllib.parse.urlsplit(url)
    for wrong in [
        other.replace("sig=", "sig=A"),
        other.replace("&se=20", "&se=21"),
        parts._replace(query=stolen.query).geturl(),
    ]:
        with client(wrong) as blob:
            refused(ClientAuthenticationError, "AuthenticationFailed", lambda: blob.upload_blob(b"x"))


if __name__ == "__main__":
    checks.run(*sys.argv[1:])
