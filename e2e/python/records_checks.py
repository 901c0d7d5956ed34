"""Scripts as the vendor's documentation has them: a list followed to its end, an upload, ranges of addresses; written
with a plain HTTP library, and with the habits of scripts that people have had for years."""

import gzip
import json
import sys
import time

import requests

from checks import AUTHORITY, DEFAULT, ENV, URL, Checks

checks = Checks("requests (documentation scripts)", requests.__version__)


def token():
    form = {
        "client_id": ENV["CASBAH_CLIENT_ID"],
        "client_secret": ENV["CASBAH_CLIENT_SECRET"],
        "grant_type": "client_credentials",
        "scope": DEFAULT,
    }
    answer = requests.post(f"{AUTHORITY}/oauth2/v2.0/token", data=form, timeout=30)
    answer.raise_for_status()
    return answer.json()["access_token"]


def bearer():
    return {"Authorization": f"Bearer {token()}"}


def legacy():
    return {"Authorization": f"Token {ENV['CASBAH_API_TOKEN']}"}


def take_in(count, start):
    """So many activities, three to a moment."""
    lines = []
    for number in range(count):
        record = {
            "_id": f"documentation-{start}-{number}",
            "timestamp": start + number // 3,
            "appId": 20892,
            "eventTypeName": "EVENT_CATEGORY_DOWNLOAD_FILE",
            "user": {"userName": "mira@lagoon.example"},
        }
        lines.append(json.dumps(record))
    headers = bearer() | {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    body = gzip.compress("\n".join(lines).encode())
    answer = requests.post(f"{URL}/api/v1/activities/ingest/", headers=headers, data=body, timeout=60)
    assert answer.json()["rejected"] == 0, answer.text


@checks.of("secret: activities are scanned to the end")
def _():
    start = int(time.time() * 1000) - 3_600_000
    take_in(700, start)
    filters = {"date": {"gte": start}, "service": {"eq": [20892]}}
    body = {"filters": filters, "isScan": True, "limit": 500, "sortDirection": "asc"}
    headers, records, has_next = bearer(), [], True
    while has_next:
        # `data=` of a text: labelled as nothing at all.
        answer = requests.post(f"{URL}/api/v1/activities/", headers=headers, data=json.dumps(body), timeout=60)
        content = json.loads(answer.content)
        records += content.get("data", [])
        has_next = content.get("hasNext", False)
        body["filters"] = content.get("nextQueryFilters")
    ids = [record["_id"] for record in records if record["_id"].startswith(f"documentation-{start}-")]
    assert len(ids) == len(set(ids)) == 700, f"{len(ids)} of 700"


@checks.of("legacy token: activities are scanned by a form")
def _():
    start = int(time.time() * 1000) - 1_800_000
    take_in(300, start)
    filters, seen = {"date": {"gte": start, "lte": start + 10_000}}, 0
    while filters:
        form = {"isScan": True, "limit": "120", "sortDirection": "desc", "filters": json.dumps(filters)}
        content = requests.post(f"{URL}/cas/api/v1/activities", headers=legacy(), data=form, timeout=60).json()
        seen += len(content["data"])
        filters = content.get("nextQueryFilters")
    assert seen == 300, f"{seen} of 300"


@checks.of("legacy token: alerts by query string, and the words of a refusal")
def _():
    where = f"{URL}/api/v1/alerts/"
    asked = {"limit": "10", "sortDirection": "desc", "filters": json.dumps({"severity": {"eq": []}})}
    answer = requests.get(where, headers=legacy(), params=asked, timeout=30)
    assert answer.status_code == 200 and isinstance(answer.json()["data"], list), answer.text
    wrong = {"filters": json.dumps({"colour": {"eq": 1}})}
    answer = requests.get(where, headers=legacy(), params=wrong, timeout=30)
    assert answer.status_code == 400 and "colour" in answer.json()["errors"][0]["error"], answer.text
    answer = requests.get(where, headers={"Authorization": "Token nonsense"}, timeout=30)
    assert answer.status_code == 401 and "Invalid token" in answer.text, answer.text


@checks.of("secret: a log is uploaded in three steps")
def _():
    headers = bearer()
    asked = {"filename": "script.log", "source": "SQUID_NATIVE"}
    answer = requests.get(f"{URL}/api/v1/discovery/upload_url/", headers=headers, params=asked, timeout=30).json()
    line = f"{time.time():.3f} 120 10.0.0.5 TCP_MISS/200 5120 GET http://www.dropbox.com/ mira DIRECT/- text/html\n"
    blob = {"x-ms-blob-type": "BlockBlob"}
    # Without credentials, in chunks.
    put = requests.put(answer["url"], headers=blob, data=iter([line.encode()] * 3), timeout=60)
    assert put.status_code == 201, put.text
    end = {"uploadUrl": answer["url"], "inputStreamName": "Script", "uploadAsSnapshot": True}
    done = requests.post(f"{URL}/api/v1/discovery/done_upload/", headers=headers, json=end, timeout=30)
    assert done.json()["success"] is True and done.json()["inputStreamId"], done.text


@checks.of("secret: ranges of addresses are made, replaced and deleted")
def _():
    headers, name = bearer(), f"Script {time.time()}"
    body = {"name": name, "subnets": ["198.18.77.0/24"], "organization": "Fjord Net", "category": 1, "tags": ["Script"]}
    made = requests.post(f"{URL}/api/v1/subnet/create_rule/", headers=headers, json=body, timeout=30)
    assert made.status_code == 200, made.text
    # The bare id, in quotation marks.
    id = made.text.strip().strip('"')
    try:
        page = requests.get(f"{URL}/api/subnet/", headers=headers, timeout=30).json()
        record = next(record for record in page["data"] if record["_id"] == id)
        record["name"] = name + " (2)"
        changed = requests.post(f"{URL}/api/v1/subnet/{id}/update_rule/", headers=headers, json=record, timeout=30)
        assert changed.status_code == 200, changed.text
    finally:
        gone = requests.delete(f"{URL}/api/v1/subnet/{id}/", headers=headers, timeout=30)
    assert gone.status_code == 200
    assert requests.get(f"{URL}/api/v1/subnet/{id}/", headers=headers, timeout=30).status_code == 404


if __name__ == "__main__":
    checks.run(*sys.argv[1:])
