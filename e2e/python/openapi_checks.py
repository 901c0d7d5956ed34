"""Sends what /openapi.json allows, and what it does not, to every operation of the Cloud Apps API, with all checks of
schemathesis: no server errors, only documented statuses, media types and shapes, 405 with `Allow`, 401 without
credentials. Ends with an error when there is a finding.

`E2E_EXAMPLES` sets how many examples an operation gets. The blob endpoint stands apart: it speaks Azure's protocol.
"""

import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).parent
ENV = os.environ
URL = ENV["CASBAH_URL"]
SCOPE = "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default"


def token():
    form = {
        "client_id": ENV["CASBAH_CLIENT_ID"],
        "client_secret": ENV["CASBAH_CLIENT_SECRET"],
        "grant_type": "client_credentials",
        "scope": SCOPE,
    }
    address = f"{URL}/{ENV['CASBAH_TENANT']}/oauth2/v2.0/token"
    trusted = ssl.create_default_context(cafile=ENV["CASBAH_CA"])
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(address, data=body, context=trusted) as answer:
        return json.load(answer)["access_token"]


def main():
    command = [
        str(pathlib.Path(sys.executable).with_name("schemathesis")), "--config-file", str(HERE / "schemathesis.toml"),
        "run", f"{URL}/openapi.json",
        "--tls-verify", ENV["CASBAH_CA"],
        "--header", f"Authorization: Bearer {token()}",
        "--exclude-path-regex", "^/upload/",
        "--max-examples", ENV.get("E2E_EXAMPLES", "10"),
        "--seed", "1", "--no-shrink", "--continue-on-failure", "--warnings", "off",
        *sys.argv[1:],
    ]
    environment = ENV | {"SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": str(HERE), "NO_COLOR": "1"}
    # It leaves what it found in the folder in which it runs.
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(subprocess.run(command, cwd=folder, env=environment).returncode)


main()
