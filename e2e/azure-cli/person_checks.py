"""The unmodified Azure CLI, signed in as a person in each of its ways; and every command that identity.md's table of
the CLI's requests has, with what it sends and what it makes of the answer."""

import base64
import json
import sys

from cli import az, environment, folder, register, rest, with_device_code
from checks import DEFAULT, ENV, RESOURCE, TENANT, Checks, claims, list_alerts

USER = ENV["CASBAH_USER"]
PUBLIC_CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
WHERE = ["-t", TENANT, "--allow-no-subscriptions"]
checks = register()


def with_password():
    return az("login", "-u", USER, "-p", ENV["CASBAH_PASSWORD"], *WHERE)


def signed_in(accounts):
    """The one account there is is the person's, and good for a token of the Cloud Apps API."""
    assert [(a["tenantId"], a["user"]) for a in accounts] == [(TENANT, {"name": USER, "type": "user"})], accounts
    token = az("account", "get-access-token", "--resource", RESOURCE)
    inside = claims(token["accessToken"])
    assert (token["tenant"], inside["appid"], inside["upn"]) == (TENANT, PUBLIC_CLIENT, USER), inside
    list_alerts(token["accessToken"])
    me = az("ad", "signed-in-user", "show")
    assert (me["id"], me["userPrincipalName"]) == (inside["oid"], USER), me


@checks.of("password: user realm")
def _():
    signed_in(with_password())


@checks.of("device code: with a tenant")
def _():
    az("account", "clear")
    signed_in(with_device_code("-t", TENANT))


@checks.of("device code: without a tenant")
def _():
    az("account", "clear")
    signed_in(with_device_code())


@checks.of("interactive: in the browser")
def _():
    az("account", "clear")
    signed_in(az("login", *WHERE))


@checks.of("silent: from the cache, and refreshed after expiry")
def _():
    with_password()
    ask = lambda: az("account", "get-access-token", "--scope", DEFAULT)["accessToken"]  # noqa: E731
    first = ask()
    assert ask() == first
    # What an hour does.
    file = f"{folder.name}/msal_token_cache.json"
    with open(file) as cache:
        content = json.load(cache)
    for token in content["AccessToken"].values():
        token["expires_on"] = token["extended_expires_on"] = "1700000000"
    with open(file, "w") as cache:
        json.dump(content, cache)
    renewed = ask()
    assert renewed != first and ask() == renewed
    list_alerts(renewed)


@checks.of("errors: wrong password")
def _():
    az("account", "clear")
    az("login", "-u", USER, "-p", "wrong", *WHERE, refused="AADSTS50126")
    az("ad", "signed-in-user", "show", refused="az login")


# What the commands send; ids are shown as `#`.
FIND = "GET /applications?$filter=appId eq '#'"
APP = "GET /applications/#"
PRINCIPAL = "GET /servicePrincipals?$filter=servicePrincipalNames/any(c:c eq '#')"


@checks.of("directory: an application's life, and what each command sends")
def _():
    with_password()
    name = "made by a person"
    app = az("ad", "app", "create", "--display-name", name, sends=[
        f"GET /applications?$filter=startswith(displayName,'{name}')",
        "POST /applications {displayName,keyCredentials}",
    ])
    assert (app["displayName"], app["signInAudience"], app["passwordCredentials"]) == (name, "AzureADMyOrg", []), app
    it = ["--id", app["appId"]]
    assert az("ad", "app", "show", *it, sends=[FIND, APP])["id"] == app["id"]
    listed = az("ad", "app", "list", "--filter", f"displayName eq '{name}'",
                sends=[f"GET /applications?$filter=displayName eq '{name}'"])
    assert [a["id"] for a in listed] == [app["id"]], listed
    changes = ["--identifier-uris", f"api://{app['appId']}", "--public-client-redirect-uris", "http://localhost"]
    az("ad", "app", "update", *it, *changes, sends=[FIND, APP, FIND, "PATCH /applications/# {identifierUris,publicClient}"])
    shown = az("ad", "app", "show", *it)
    assert shown["identifierUris"] == [f"api://{app['appId']}"], shown
    assert shown["publicClient"]["redirectUris"] == ["http://localhost"], shown

    me = az("ad", "signed-in-user", "show", sends=["GET /me"])["id"]
    wanted = az("ad", "user", "create", "--display-name", "Olga Owner", "--user-principal-name",
                "olga@contoso.example", "--password", "correct horse battery")["id"]
    assert [o["id"] for o in az("ad", "app", "owner", "list", *it)] == [me]
    az("ad", "app", "owner", "add", *it, "--owner-object-id", wanted, sends=[
        FIND, "GET /applications/#/owners", "POST /applications/#/owners/$ref {@odata.id}",
    ])
    owners = az("ad", "app", "owner", "list", *it, sends=[FIND, "GET /applications/#/owners"])
    assert {o["id"] for o in owners} == {me, wanted}, owners
    az("ad", "app", "owner", "remove", *it, "--owner-object-id", wanted,
       sends=[FIND, "DELETE /applications/#/owners/#/$ref"])
    assert [o["id"] for o in az("ad", "app", "owner", "list", *it)] == [me]
    az("ad", "user", "delete", "--id", wanted)

    own = az("ad", "sp", "create", *it, sends=[
        FIND, "POST /servicePrincipals {appId,accountEnabled}",
    ])
    assert own["appId"] == app["appId"]
    assert az("ad", "sp", "show", *it, sends=[PRINCIPAL, "GET /servicePrincipals/#"])["id"] == own["id"]
    listed = az("ad", "sp", "list", "--filter", f"appId eq '{app['appId']}'",
                sends=["GET /servicePrincipals?$filter=appId eq '#'"])
    assert [p["id"] for p in listed] == [own["id"]], listed
    az("ad", "app", "delete", *it, sends=[FIND, "DELETE /applications/#"])
    az("ad", "app", "show", *it, refused="does not exist")
    az("ad", "sp", "show", *it, refused="does not exist")


@checks.of("directory: credentials, and what each command sends")
def _():
    with_password()
    app = az("ad", "app", "create", "--display-name", "with credentials")
    az("ad", "sp", "create", "--id", app["appId"])
    it = ["--id", app["appId"]]
    reset = ["ad", "app", "credential", "reset", *it]
    add, remove = "POST /applications/#/addPassword {passwordCredential}", "POST /applications/#/removePassword {keyId}"
    first = az(*reset, sends=[FIND, APP, add])
    assert (first["appId"], first["tenant"]) == (app["appId"], TENANT) and len(first["password"]) >= 16, first
    az(*reset, "--append", "--display-name", "second", sends=[FIND, APP, add])
    listed = az("ad", "app", "credential", "list", *it, sends=[FIND, APP])
    # Two that were made in the same moment stand in either order.
    named = {c["displayName"]: c for c in listed}
    assert len(listed) == 2 and set(named) == {None, "second"}, listed
    assert first["password"].startswith(named[None]["hint"]), listed
    third = az(*reset, sends=[FIND, APP, remove, remove, add])
    assert len(az("ad", "app", "credential", "list", *it)) == 1
    # The new one is good, the old one is not.
    login = ["login", "--service-principal", "-u", app["appId"], *WHERE]
    az(*login, "-p", first["password"], refused="AADSTS7000215")
    az(*login, "-p", third["password"])
    with_password()
    with open(ENV["E2E_CERTIFICATE"], encoding="ascii") as file:
        pem = file.read()
    az(*reset, "--cert", pem, "--append", sends=[FIND, APP, "PATCH /applications/# {keyCredentials}"])
    [key] = az("ad", "app", "credential", "list", *it, "--cert")
    assert key["type"] == "AsymmetricX509Cert" and base64.b64decode(key["customKeyIdentifier"]).hex().upper() == ENV["E2E_THUMBPRINT"], key
    az(*login, "--certificate", ENV["E2E_PEM"])
    with_password()

    federated = {"name": "ci-main", "issuer": "https://ci.example", "subject": "repo:a/b",
                 "audiences": ["api://AzureADTokenExchange"]}
    command = ["ad", "app", "federated-credential"]
    made = az(*command, "create", *it, "--parameters", json.dumps(federated), sends=[
        FIND, "POST /applications/#/federatedIdentityCredentials {name,issuer,subject,audiences}",
    ])
    assert {name: made[name] for name in federated} == federated, made
    one = ["--federated-credential-id", "ci-main"]
    assert az(*command, "show", *it, *one)["id"] == made["id"]
    az(*command, "update", *it, *one, "--parameters", json.dumps({"subject": "repo:a/c"}))
    listed = az(*command, "list", *it, sends=[FIND, "GET /applications/#/federatedIdentityCredentials"])
    assert [c["subject"] for c in listed] == ["repo:a/c"], listed
    az(*command, "delete", *it, *one, sends=[FIND, "DELETE /applications/#/federatedIdentityCredentials/ci-main"])
    assert az(*command, "list", *it) == []

    rbac = az("ad", "sp", "create-for-rbac", "-n", "made for rbac", sends=[
        "GET /servicePrincipals?$filter=displayName eq 'made for rbac'",
        "GET /applications?$filter=startswith(displayName,'made for rbac')",
        "POST /applications {displayName,keyCredentials}",
        add,
        "POST /servicePrincipals {appId,accountEnabled}",
    ])
    az("login", "--service-principal", "-u", rbac["appId"], "-p", rbac["password"], *WHERE)
    with_password()
    for application in (app["appId"], rbac["appId"]):
        az("ad", "app", "delete", "--id", application)


@checks.of("directory: permissions and consent, and what each command sends")
def _():
    with_password()
    app = az("ad", "app", "create", "--display-name", "with permissions")
    own = az("ad", "sp", "create", "--id", app["appId"])
    secret = az("ad", "app", "credential", "reset", "--id", app["appId"])["password"]
    it = ["--id", app["appId"]]
    resource = az("ad", "sp", "show", "--id", RESOURCE)
    scope = next(s for s in resource["oauth2PermissionScopes"] if s["value"] == "investigation.read")
    role = next(r for r in resource["appRoles"] if r["value"] == "investigation.read")
    command = ["ad", "app", "permission"]
    az(*command, "add", *it, "--api", RESOURCE, "--api-permissions", f"{scope['id']}=Scope", f"{role['id']}=Role",
       sends=[FIND, APP, "PATCH /applications/# {requiredResourceAccess}"])
    [listed] = az(*command, "list", *it, sends=[FIND, APP])
    assert {(a["id"], a["type"]) for a in listed["resourceAccess"]} == {(scope["id"], "Scope"), (role["id"], "Role")}
    granted = az(*command, "grant", *it, "--api", RESOURCE, "--scope", "investigation.read", sends=[
        PRINCIPAL, PRINCIPAL, "GET /oauth2PermissionGrants?$filter=clientId eq '#'",
        "POST /oauth2PermissionGrants {clientId,consentType,principalId,resourceId,scope}",
    ])
    assert (granted["clientId"], granted["consentType"]) == (own["id"], "AllPrincipals"), granted
    [grant] = az(*command, "list-grants", *it)
    assert grant["scope"] == "investigation.read", grant
    az(*command, "delete", *it, "--api", RESOURCE, "--api-permissions", scope["id"])
    # The CLI itself refuses this one on every cloud but Microsoft's own; the call that takes its place:
    az(*command, "admin-consent", *it, refused="not yet supported on sovereign clouds")
    path = f"/servicePrincipals/{resource['id']}/appRoleAssignedTo"
    body = {"principalId": own["id"], "resourceId": resource["id"], "appRoleId": role["id"]}
    rest("post", f"/v1.0{path}", body, sends=[
        "POST /servicePrincipals/#/appRoleAssignedTo {principalId,resourceId,appRoleId}",
    ])
    az("login", "--service-principal", "-u", app["appId"], "-p", secret, *WHERE)
    list_alerts(az("account", "get-access-token", "--resource", RESOURCE)["accessToken"])
    with_password()
    az("ad", "app", "delete", *it)


@checks.of("directory: users and groups, and what each command sends")
def _():
    with_password()
    name = "petra@contoso.example"
    made = az("ad", "user", "create", "--display-name", "Petra Person", "--user-principal-name", name,
              "--password", "correct horse battery", sends=[
                  "POST /users {userPrincipalName,displayName,passwordProfile,mailNickname,accountEnabled}"])
    assert (made["userPrincipalName"], made["displayName"]) == (name, "Petra Person"), made
    assert az("ad", "user", "show", "--id", name, sends=[f"GET /users/{name}"])["id"] == made["id"]
    listed = az("ad", "user", "list", "--upn", name, sends=[f"GET /users?$filter=userPrincipalName eq '{name}'"])
    assert [u["id"] for u in listed] == [made["id"]], listed
    group = az("ad", "group", "create", "--display-name", "Readers", "--mail-nickname", "readers", sends=[
        "GET /groups?$filter=displayName eq 'Readers' and mailNickname eq 'readers'",
        "POST /groups {displayName,mailNickname,mailEnabled,securityEnabled}",
    ])
    assert (group["displayName"], group["securityEnabled"], group["mailEnabled"]) == ("Readers", True, False), group
    member = ["ad", "group", "member"]
    az(*member, "add", "-g", group["id"], "--member-id", made["id"],
       sends=["POST /groups/#/members/$ref {@odata.id}"])
    listed = az(*member, "list", "-g", group["id"], sends=["GET /groups/#/members"])
    assert [(m["id"], m["@odata.type"]) for m in listed] == [(made["id"], "#microsoft.graph.user")], listed
    az("ad", "group", "delete", "-g", group["id"])
    az("ad", "user", "delete", "--id", name, sends=[f"DELETE /users/{name}"])
    az("ad", "user", "show", "--id", name, refused="does not exist")


if __name__ == "__main__":
    checks.run(*sys.argv[1:2])
