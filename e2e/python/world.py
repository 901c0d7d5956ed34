"""Makes, through Microsoft Graph's routes, the applications that the clients' checks need beside those of
`casbah dev`, and prints them as `NAME=value` lines."""

import json
import urllib.parse
import urllib.request

from checks import AUTHORITY, ENV, RESOURCE, URL, trusting

# The public client behind `casbah login`, which may change the directory for an administrator.
COMMAND_LINE = "6c1d2f0a-3b7e-4c58-9a41-ca5bab000001"
LOOPBACK = ["http://localhost", "http://localhost/callback"]
SCOPES = ["investigation.read", "investigation.manage", "discovery.read", "settings.read"]


def call(method, url, body=None, token=None, form=False):
    headers = {"Content-Type": "application/x-www-form-urlencoded" if form else "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        body = (urllib.parse.urlencode(body) if form else json.dumps(body)).encode()
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, context=trusting(), timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if text else None
    except urllib.error.HTTPError as problem:
        raise SystemExit(f"{method} {url}: {problem.code} {problem.read().decode()}") from problem


TOKEN = call(
    "POST",
    f"{AUTHORITY}/oauth2/v2.0/token",
    {
        "grant_type": "password",
        "client_id": COMMAND_LINE,
        "username": ENV["CASBAH_USER"],
        "password": ENV["CASBAH_PASSWORD"],
        "scope": "https://graph.microsoft.com/.default",
    },
    form=True,
)["access_token"]


def graph(method, path, body=None):
    return call(method, f"{URL}/v1.0{path}", body, TOKEN)


def principal(app_id):
    return graph("GET", f"/servicePrincipals(appId='{app_id}')")["id"]


def consent(client, resource, scopes):
    body = {"clientId": client, "consentType": "AllPrincipals", "resourceId": resource, "scope": " ".join(scopes)}
    graph("POST", "/oauth2PermissionGrants", body)


def web():
    """A confidential web application, to which the organisation has consented."""
    app = graph("POST", "/applications", {"displayName": "e2e web", "web": {"redirectUris": LOOPBACK}})
    secret = graph("POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "e2e"}})
    own = graph("POST", "/servicePrincipals", {"appId": app["appId"]})["id"]
    consent(own, principal(RESOURCE), SCOPES)
    return {"E2E_WEB_CLIENT_ID": app["appId"], "E2E_WEB_CLIENT_SECRET": secret["secretText"]}


def native():
    """An installed application, like the one of `casbah dev`, whose address has a path as well."""
    body = {"displayName": "e2e native", "isFallbackPublicClient": True, "publicClient": {"redirectUris": LOOPBACK}}
    app = graph("POST", "/applications", body)
    own = graph("POST", "/servicePrincipals", {"appId": app["appId"]})["id"]
    consent(own, principal(RESOURCE), SCOPES)
    return {"E2E_NATIVE_CLIENT_ID": app["appId"]}


for name, value in (web() | native()).items():
    print(f"{name}={value}")
