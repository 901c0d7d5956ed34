"""How test programs report: one line per check, `client TAB flow TAB version TAB pass|fail TAB reason`.

`cargo xtask test` makes the table in docs/compatibility.md of these lines. A flow is a column of that table;
what follows a colon in a flow's name tells its variants apart.
"""

import base64
import contextlib
import http.server
import json
import os
import re
import socket
import socketserver
import ssl
import sys
import threading
import traceback
import urllib.parse
import urllib.request
import webbrowser

ENV = os.environ
URL = ENV["CASBAH_URL"]
TENANT = ENV["CASBAH_TENANT"]
AUTHORITY = f"{URL}/{TENANT}"
RESOURCE = "05a65629-4c1b-48c1-a78b-804c4abdd4af"
DEFAULT = f"{RESOURCE}/.default"
READ = f"{RESOURCE}/Investigation.read"


class Checks:
    """The checks of one client: `@checks.of("flow: variant")` adds one, `run()` runs and reports them all."""

    def __init__(self, client, version):
        self.client, self.version, self.all = client, version, []

    def of(self, flow):
        return lambda function: self.all.append((flow, function))

    def run(self, only=""):
        for flow, function in self.all:
            if only not in flow:
                continue
            result, reason = "pass", ""
            try:
                function()
            except Exception as problem:
                traceback.print_exc(file=sys.stderr)
                result, reason = "fail", shown(problem)
            print(self.client, flow, self.version, result, reason, sep="\t", flush=True)


def shown(problem):
    """One line without what differs from run to run."""
    text = f"{type(problem).__name__}: {problem}".split("Trace ID")[0]
    return re.sub(r"\s+", " ", text)[:200].strip().replace("|", "/")


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def list_alerts(token):
    """The token is good for what it was asked for: the API answers."""
    request = urllib.request.Request(f"{URL}/api/v1/alerts/", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, context=trusting(), timeout=30) as answer:
        assert isinstance(json.load(answer)["data"], list)


def trusting():
    return ssl.create_default_context(cafile=ENV["CASBAH_CA"])


def browser(action, **parameters):
    """Has the shared browser do something (e2e/node/browser.mjs)."""
    query = urllib.parse.urlencode(parameters)
    with urllib.request.urlopen(f"{ENV['E2E_BROWSER']}/{action}?{query}", timeout=90) as answer:
        return answer.read().decode()


class SharedBrowser(webbrowser.BaseBrowser):
    """The browser that clients' interactive flows open."""

    def open(self, url, *_):
        # The client listens only after the browser was started.
        threading.Thread(target=browser, args=("sign-in",), kwargs={"url": url}, daemon=True).start()
        return True


webbrowser.register("shared", None, SharedBrowser(), preferred=True)


def approving(uri, code, **person):
    """Approves a device's code while the client polls."""
    asked = {"uri": uri, "code": code} | person
    threading.Thread(target=browser, args=("approve",), kwargs=asked, daemon=True).start()


class Listener:
    """A client's own address on loopback, which takes one answer of the authorize endpoint."""

    def __init__(self):
        fields = self.fields = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.take(urllib.parse.urlsplit(self.path).query)

            def do_POST(self):
                self.take(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def take(self, text):
                fields.update(urllib.parse.parse_qsl(text))
                self.send_response(200)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"done")

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def sign_in(self, authorize_url):
        """Signs in at an authorize address of this listener's client; the fields that came back."""
        browser("sign-in", url=authorize_url)
        self.server.shutdown()
        self.server.server_close()
        return self.fields


def port_443():
    """MSAL for Python asks for the user realm on port 443 whatever the authority's port is. Where the tests may not
    listen there, its clients reach the network through a proxy, which leads that one address to Casbah's port; the
    variables that say so. A proxy hands on bytes: the client still talks TLS with Casbah."""
    where = urllib.parse.urlsplit(URL)
    if not where.port:
        return {}
    proxy = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay)
    proxy.daemon_threads = True
    proxy.moved = {(where.hostname, 443): (where.hostname, where.port)}
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    return {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.server_address[1]}", "NO_PROXY": "", "no_proxy": ""}


class Relay(socketserver.StreamRequestHandler):
    """One connection through an HTTP proxy (RFC 9110, 9.3.6)."""

    def handle(self):
        host, port = self.rfile.readline().split()[1].decode().rsplit(":", 1)
        while self.rfile.readline().strip():
            pass
        address = self.server.moved.get((host, int(port)), (host, int(port)))
        # Who tries Microsoft's own hosts, and there is no network, gets no answer.
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=60) as other:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=pump, args=(other, self.connection), daemon=True).start()
            pump(self.connection, other)


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
