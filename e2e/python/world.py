"""Makes, through Microsoft Graph's routes, the applications that the clients' checks need beside those of
`casbah dev`, and prints them as `NAME=value` lines."""

import base64
import datetime
import json
import ssl
import urllib.parse
import urllib.request
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from checks import AUTHORITY, ENV, RESOURCE, URL, claims

# The public client behind `casbah login`, which may change the directory for an administrator.
COMMAND_LINE = "6c1d2f0a-3b7e-4c58-9a41-ca5bab000001"
GRAPH = "00000003-0000-0000-c000-000000000000"
DIRECTORY_ROLES = [
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
]
PFX_PASSWORD = "e2e"
LOOPBACK = ["http://localhost", "http://localhost/callback"]
SCOPES = ["investigation.read", "investigation.manage", "discovery.read", "settings.read"]


def call(method, url, body=None, token=None, form=False, trusting=ENV["CASBAH_CA"]):
    headers = {"Content-Type": "application/x-www-form-urlencoded" if form else "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        body = (urllib.parse.urlencode(body) if form else json.dumps(body)).encode()
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=trusting), timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if text else None
    except urllib.error.HTTPError as problem:
        raise SystemExit(f"{method} {url}: {problem.code} {problem.read().decode()}") from problem


def token(authority, trusting, **form):
    return call("POST", f"{authority}/oauth2/v2.0/token", form, form=True, trusting=trusting)["access_token"]


TOKEN = token(
    AUTHORITY,
    ENV["CASBAH_CA"],
    grant_type="password",
    client_id=COMMAND_LINE,
    username=ENV["CASBAH_USER"],
    password=ENV["CASBAH_PASSWORD"],
    scope="https://graph.microsoft.com/.default",
)


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


def certificate():
    """An application with a certificate instead of a secret, and the files that clients read."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "e2e")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(minutes=1))
    made = made.not_valid_after(now + datetime.timedelta(days=30)).sign(key, hashes.SHA256())
    pem, der = (made.public_bytes(form) for form in (serialization.Encoding.PEM, serialization.Encoding.DER))
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    files = {
        "E2E_KEY": private,
        "E2E_CERTIFICATE": pem,
        "E2E_PEM": private + pem,
        "E2E_PFX": pkcs12.serialize_key_and_certificates(
            b"e2e", key, made, None, serialization.BestAvailableEncryption(PFX_PASSWORD.encode())
        ),
    }
    printed = {"E2E_PFX_PASSWORD": PFX_PASSWORD, "E2E_THUMBPRINT": made.fingerprint(hashes.SHA1()).hex().upper()}
    printed["E2E_THUMBPRINT_SHA256"] = made.fingerprint(hashes.SHA256()).hex()
    for variable, content in files.items():
        printed[variable] = f"{ENV['CASBAH_DATA_DIR']}/{variable.lower()}"
        with open(printed[variable], "wb") as file:
            file.write(content)
    # With line breaks, as the Azure command line sends it.
    credential = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.encodebytes(der).decode()}
    app = graph("POST", "/applications", {"displayName": "e2e certificate", "keyCredentials": [credential]})
    own = graph("POST", "/servicePrincipals", {"appId": app["appId"]})["id"]
    may_read(own)
    return printed | {"E2E_CERTIFICATE_CLIENT_ID": app["appId"]}


def may_read(client):
    """Gives an application the permission to read alerts as itself."""
    resource = principal(RESOURCE)
    role = "83bc8d83-2679-44ef-b813-d5f556fc4474"
    body = {"principalId": client, "resourceId": resource, "appRoleId": role}
    graph("POST", f"/servicePrincipals/{resource}/appRoleAssignedTo", body)


def directory():
    """An application that may change the directory as itself."""
    app = graph("POST", "/applications", {"displayName": "e2e directory"})
    secret = graph("POST", f"/applications/{app['id']}/addPassword", {})["secretText"]
    own = graph("POST", "/servicePrincipals", {"appId": app["appId"]})["id"]
    resource = graph("GET", f"/servicePrincipals(appId='{GRAPH}')")
    for role in resource["appRoles"]:
        if role["value"] in DIRECTORY_ROLES:
            body = {"principalId": own, "resourceId": resource["id"], "appRoleId": role["id"]}
            graph("POST", f"/servicePrincipals/{resource['id']}/appRoleAssignedTo", body)
    return {"E2E_DIRECTORY_CLIENT_ID": app["appId"], "E2E_DIRECTORY_CLIENT_SECRET": secret}


def workload():
    """An application that takes the tokens of another Casbah for its own, as workloads in a cluster do."""
    authority = f"{ENV['E2E_ISSUER_URL']}/{ENV['E2E_ISSUER_TENANT']}"
    assertion = token(
        authority,
        ENV["E2E_ISSUER_CA"],
        grant_type="client_credentials",
        client_id=ENV["E2E_ISSUER_CLIENT_ID"],
        client_secret=ENV["E2E_ISSUER_CLIENT_SECRET"],
        scope=f"{RESOURCE}/.default",
    )
    inside = claims(assertion)
    app = graph("POST", "/applications", {"displayName": "e2e workload"})
    body = {"name": "cluster", "issuer": inside["iss"], "subject": inside["sub"], "audiences": [inside["aud"]]}
    graph("POST", f"/applications/{app['id']}/federatedIdentityCredentials", body)
    may_read(graph("POST", "/servicePrincipals", {"appId": app["appId"]})["id"])
    file = f"{ENV['CASBAH_DATA_DIR']}/e2e_assertion"
    with open(file, "w") as out:
        out.write(assertion)
    return {"E2E_WORKLOAD_CLIENT_ID": app["appId"], "E2E_ASSERTION_FILE": file}


def middle_tier():
    """An API of one's own, which calls the Cloud Apps API on behalf of whoever calls it."""
    scope = {
        "id": str(uuid.uuid4()),
        "value": "access",
        "type": "User",
        "isEnabled": True,
        "adminConsentDisplayName": "Use it",
        "adminConsentDescription": "Use it",
    }
    app = graph("POST", "/applications", {"displayName": "e2e api", "api": {"oauth2PermissionScopes": [scope]}})
    graph("PATCH", f"/applications/{app['id']}", {"identifierUris": [f"api://{app['appId']}"]})
    secret = graph("POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "e2e"}})
    own = graph("POST", "/servicePrincipals", {"appId": app["appId"]})["id"]
    consent(own, principal(RESOURCE), SCOPES)
    consent(principal(ENV["CASBAH_PUBLIC_CLIENT_ID"]), own, ["access"])
    # What a front end sends to this API.
    called_with = token(
        AUTHORITY,
        ENV["CASBAH_CA"],
        grant_type="password",
        client_id=ENV["CASBAH_PUBLIC_CLIENT_ID"],
        username=ENV["CASBAH_USER"],
        password=ENV["CASBAH_PASSWORD"],
        scope=f"api://{app['appId']}/access",
    )
    return {
        "E2E_API_CLIENT_ID": app["appId"],
        "E2E_API_CLIENT_SECRET": secret["secretText"],
        "E2E_API_TOKEN": called_with,
    }


for name, value in (web() | native() | certificate() | directory() | workload() | middle_tier()).items():
    print(f"{name}={value}")
