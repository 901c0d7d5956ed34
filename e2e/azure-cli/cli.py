"""The unmodified Azure CLI with a folder of its own: what its checks share. `E2E_AZ` names the program
(default: `az`)."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
from checks import ENV, URL, Checks, approving, port_443

AZ = ENV.get("E2E_AZ", "az")
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

folder = tempfile.TemporaryDirectory()
environment = dict(
    os.environ,
    AZURE_CONFIG_DIR=folder.name,
    REQUESTS_CA_BUNDLE=ENV["CASBAH_CA"],
    AZURE_CORE_COLLECT_TELEMETRY="no",
    AZURE_CORE_NO_COLOR="1",
    AZURE_CORE_LOGIN_EXPERIENCE_V2="off",
    AZURE_CORE_ONLY_SHOW_ERRORS="1",
)
# Signing in with a password asks for the user realm on port 443.
environment |= port_443()


def az(*arguments, refused=None, sends=None):
    """Runs a command; its answer, or with `refused` its error, which must hold that text. `sends` is what it must
    have sent to the directory, as `requests_in` shows it."""
    more = ["--debug"] if sends is not None else []
    done = subprocess.run([AZ, *arguments, *more], env=environment, capture_output=True, text=True, timeout=180)
    shown = f"az {' '.join(arguments[:3])}"
    if refused is not None:
        assert done.returncode != 0 and refused in done.stderr, f"{shown}: {done.stderr[-400:]}"
        return done.stderr
    assert done.returncode == 0, f"{shown}: {done.stderr[-400:]}"
    if sends is not None:
        sent = requests_in(done.stderr)
        assert sent == sends, f"{shown}: sent {sent}"
    return json.loads(done.stdout) if done.stdout.strip() else done.stdout


def requests_in(debug):
    """`METHOD /path {names in the body}` of each call to the directory, with `#` for ids."""
    found = []
    for url, method, rest in re.findall(
        r"Request URL: '(\S+)'\n.*?Request method: '(\w+)'\n(.*?)Response status", debug, re.DOTALL
    ):
        path = urllib.parse.unquote_plus(url.removeprefix(URL).removeprefix("/v1.0"))
        body = re.search(r"Request body:\n\S+ \S+ (\{.*\})\n", rest)
        names = f" {{{','.join(json.loads(body[1]))}}}" if body else ""
        found.append(f"{method} {GUID.sub('#', path)}{names}")
    return found


def with_device_code(*arguments, **person):
    """Signs in with a device's code, which a person confirms on Casbah's pages in the shared browser."""
    command = [AZ, "login", "--use-device-code", "--allow-no-subscriptions", *arguments]
    # The code is a warning on the error output, which `only_show_errors` would hide.
    shown = environment | {"AZURE_CORE_ONLY_SHOW_ERRORS": "0"}
    process = subprocess.Popen(
        command, env=shown, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    ended = threading.Timer(150, process.kill)
    ended.start()
    told = ""
    for line in process.stderr:
        told += line
        if found := re.search(r"open the page (\S+) and enter the code (\S+) to authenticate", line):
            approving(*found.groups(), **person)
    answer = process.stdout.read()
    ended.cancel()
    assert process.wait() == 0, f"az login --use-device-code: {told[-400:]}"
    return json.loads(answer)


def rest(method, path, body=None, **more):
    arguments = ["--body", json.dumps(body)] if body is not None else []
    return az("rest", "--method", method, "--url", f"{URL}{path}", "--resource", f"{URL}/", *arguments, **more)


def register():
    """The cloud, as a person registers it; the checks of this client."""
    az("cloud", "register", "-n", "Casbah", "--endpoint-resource-manager", f"{URL}/")
    az("cloud", "set", "-n", "Casbah")
    az("config", "set", "core.instance_discovery=false")
    return Checks("Azure CLI", az("version")["azure-cli"])
