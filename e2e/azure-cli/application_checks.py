"""The unmodified Azure CLI, signed in as an application, walks through `az ad` and `az rest`."""

import json
import sys

from cli import az, register, rest
from checks import DEFAULT, ENV, RESOURCE, TENANT, claims, list_alerts

CLIENT, SECRET = ENV["E2E_DIRECTORY_CLIENT_ID"], ENV["E2E_DIRECTORY_CLIENT_SECRET"]


def as_application():
    arguments = ["-u", CLIENT, "-p", SECRET, "-t", TENANT, "--allow-no-subscriptions"]
    return az("login", "--service-principal", *arguments)


checks = register()


@checks.of("secret")
def secret():
    account = as_application()[0]
    assert account["tenantId"] == TENANT and account["user"]["type"] == "servicePrincipal", account
    environment_token = az("account", "get-access-token", "--resource", RESOURCE)
    assert claims(environment_token["accessToken"])["appid"] == CLIENT


@checks.of("assertion: the token of another issuer")
def assertion():
    with open(ENV["E2E_ASSERTION_FILE"]) as file:
        token = file.read()
    az("login", "--service-principal", "-u", ENV["E2E_WORKLOAD_CLIENT_ID"], "--federated-token", token, "-t", TENANT,
       "--allow-no-subscriptions")
    list_alerts(az("account", "get-access-token", "--resource", RESOURCE)["accessToken"])


@checks.of("errors")
def errors():
    # With a token in its cache the CLI would not even ask.
    az("account", "clear")
    arguments = ["login", "--service-principal", "-u", CLIENT, "-t", TENANT, "--allow-no-subscriptions"]
    az(*arguments, "-p", "wrong", refused="AADSTS7000215")
    as_application()
    az("ad", "user", "show", "--id", "nobody@contoso.example", refused="does not exist")
    az("ad", "user", "create", "--display-name", "X", "--user-principal-name", "x@elsewhere.example",
       "--password", "correct horse battery", refused="must be one of this tenant's")


@checks.of("directory: users")
def users():
    as_application()
    name = "wanda@contoso.example"
    made = az("ad", "user", "create", "--display-name", "Wanda Walker", "--user-principal-name", name,
              "--password", "correct horse battery", "--force-change-password-next-sign-in", "false")
    assert made["userPrincipalName"] == name and "correct horse" not in json.dumps(made), made
    assert az("ad", "user", "show", "--id", name)["id"] == made["id"]
    assert az("ad", "user", "list", "--upn", name)[0]["id"] == made["id"]
    assert [u["id"] for u in az("ad", "user", "list", "--display-name", "wanda w")] == [made["id"]]
    assert [u["id"] for u in az("ad", "user", "list", "--filter", "accountEnabled eq true and startswith(mail,'x')")] == []
    az("ad", "user", "update", "--id", name, "--display-name", "Wanda W.", "--account-enabled", "false")
    shown = az("ad", "user", "show", "--id", made["id"])
    assert shown["displayName"] == "Wanda W.", shown
    enabled = rest("get", f"/v1.0/users/{made['id']}?$select=accountEnabled")
    assert enabled["accountEnabled"] is False, enabled
    az("ad", "user", "update", "--id", name, "--password", "another horse battery", "--account-enabled", "true")
    az("ad", "user", "delete", "--id", name)
    az("ad", "user", "show", "--id", name, refused="does not exist")


@checks.of("directory: groups")
def groups():
    as_application()
    person = az("ad", "user", "create", "--display-name", "Gina", "--user-principal-name", "gina@contoso.example",
                "--password", "correct horse battery")["id"]
    outer = az("ad", "group", "create", "--display-name", "Outer", "--mail-nickname", "outer", "--description", "All")
    inner = az("ad", "group", "create", "--display-name", "Inner", "--mail-nickname", "inner")["id"]
    assert outer["securityEnabled"] and outer["description"] == "All", outer
    assert az("ad", "group", "create", "--display-name", "Outer", "--mail-nickname", "outer")["id"] == outer["id"]
    outer = outer["id"]
    az("ad", "group", "member", "add", "-g", "Inner", "--member-id", person)
    az("ad", "group", "member", "add", "-g", outer, "--member-id", inner)
    assert [m["id"] for m in az("ad", "group", "member", "list", "-g", "Inner")] == [person]
    assert az("ad", "group", "member", "check", "-g", outer, "--member-id", person)["value"] is True
    assert len(az("ad", "user", "get-member-groups", "--id", person)) == 2
    assert az("ad", "group", "get-member-groups", "-g", "Inner") == [outer]
    az("ad", "group", "owner", "add", "-g", outer, "--owner-object-id", person)
    assert person in [o["id"] for o in az("ad", "group", "owner", "list", "-g", outer)]
    assert [g["id"] for g in az("ad", "group", "list", "--display-name", "Out")] == [outer]
    az("ad", "group", "member", "remove", "-g", "Inner", "--member-id", person)
    assert az("ad", "group", "member", "check", "-g", outer, "--member-id", person)["value"] is False
    for group in (inner, outer):
        az("ad", "group", "delete", "-g", group)
    az("ad", "group", "show", "-g", outer, refused="does not exist")
    az("ad", "user", "delete", "--id", person)


@checks.of("directory: applications")
def applications():
    as_application()
    app = az("ad", "app", "create", "--display-name", "walked")
    assert az("ad", "app", "list", "--display-name", "walked")[0]["appId"] == app["appId"]
    own = az("ad", "sp", "create", "--id", app["appId"])
    assert az("ad", "sp", "show", "--id", app["appId"])["id"] == own["id"]
    made = az("ad", "app", "credential", "reset", "--id", app["appId"])
    assert len(made["password"]) >= 16 and made["tenant"] == TENANT
    assert len(az("ad", "app", "credential", "list", "--id", app["appId"])) == 1
    az("ad", "app", "credential", "reset", "--id", app["appId"], "--append", "--display-name", "second")
    listed = az("ad", "app", "credential", "list", "--id", app["appId"])
    assert {c["displayName"] for c in listed} >= {"second"} and len(listed) == 2
    az("ad", "app", "credential", "delete", "--id", app["appId"], "--key-id", listed[0]["keyId"])
    resource = az("ad", "sp", "show", "--id", RESOURCE)
    scope = next(s for s in resource["oauth2PermissionScopes"] if s["value"] == "investigation.read")
    role = next(r for r in resource["appRoles"] if r["value"] == "investigation.read")
    az("ad", "app", "permission", "add", "--id", app["appId"], "--api", RESOURCE,
       "--api-permissions", f"{scope['id']}=Scope", f"{role['id']}=Role")
    assert len(az("ad", "app", "permission", "list", "--id", app["appId"])[0]["resourceAccess"]) == 2
    az("ad", "app", "permission", "grant", "--id", app["appId"], "--api", RESOURCE, "--scope", "investigation.read")
    assert az("ad", "app", "permission", "list-grants", "--id", app["appId"])[0]["scope"] == "investigation.read"
    # `admin-consent` is refused by the CLI itself for every cloud but Microsoft's own.
    body = {"principalId": own["id"], "resourceId": resource["id"], "appRoleId": role["id"]}
    rest("post", f"/v1.0/servicePrincipals/{resource['id']}/appRoleAssignedTo", body)
    az("ad", "app", "update", "--id", app["appId"], "--web-redirect-uris", "https://walked.example/cb")
    assert az("ad", "app", "show", "--id", app["appId"])["web"]["redirectUris"] == ["https://walked.example/cb"]
    federated = {"name": "ci-main", "issuer": "https://ci.example", "subject": "repo:a/b", "audiences": ["api://AzureADTokenExchange"]}
    az("ad", "app", "federated-credential", "create", "--id", app["appId"], "--parameters", json.dumps(federated))
    assert az("ad", "app", "federated-credential", "list", "--id", app["appId"])[0]["name"] == "ci-main"
    az("ad", "app", "federated-credential", "delete", "--id", app["appId"], "--federated-credential-id", "ci-main")
    rbac = az("ad", "sp", "create-for-rbac", "-n", "walked-rbac")
    assert rbac["tenant"] == TENANT and rbac["password"]
    az("login", "--service-principal", "-u", rbac["appId"], "-p", rbac["password"], "-t", TENANT, "--allow-no-subscriptions")
    as_application()
    for application in (app["appId"], rbac["appId"]):
        az("ad", "app", "delete", "--id", application)
    az("ad", "app", "show", "--id", app["appId"], refused="does not exist")


@checks.of("certificate")
def certificate():
    as_application()
    app = az("ad", "app", "create", "--display-name", "walked with a certificate")
    own = az("ad", "sp", "create", "--id", app["appId"])
    with open(ENV["E2E_CERTIFICATE"], encoding="ascii") as file:
        pem = file.read()
    az("ad", "app", "credential", "reset", "--id", app["appId"], "--cert", pem)
    resource = az("ad", "sp", "show", "--id", RESOURCE)
    role = next(r for r in resource["appRoles"] if r["value"] == "investigation.read")
    body = {"principalId": own["id"], "resourceId": resource["id"], "appRoleId": role["id"]}
    rest("post", f"/v1.0/servicePrincipals/{resource['id']}/appRoleAssignedTo", body)
    az("login", "--service-principal", "-u", app["appId"], "--certificate", ENV["E2E_PEM"], "-t", TENANT,
       "--allow-no-subscriptions")
    list_alerts(az("account", "get-access-token", "--scope", DEFAULT)["accessToken"])
    as_application()
    az("ad", "app", "delete", "--id", app["appId"])


@checks.of("directory: rest")
def through_rest():
    as_application()
    assert rest("get", "/v1.0/organization")["value"][0]["id"] == TENANT
    assert rest("get", "/v1.0/domains")["value"][0]["isDefault"] is True
    roles = rest("get", "/v1.0/directoryRoles")["value"]
    reader = next(r for r in roles if r["displayName"] == "Security Reader")
    person = az("ad", "user", "create", "--display-name", "Rolf", "--user-principal-name", "rolf@contoso.example",
                "--password", "correct horse battery")["id"]
    body = {"principalId": person, "roleDefinitionId": reader["roleTemplateId"], "directoryScopeId": "/"}
    given = rest("post", "/v1.0/roleManagement/directory/roleAssignments", body)
    held = rest("get", f"/v1.0/users/{person}/memberOf")["value"]
    assert [r["displayName"] for r in held] == ["Security Reader"], held
    rest("delete", f"/v1.0/roleManagement/directory/roleAssignments/{given['id']}")
    assert rest("get", f"/v1.0/users/{person}/memberOf")["value"] == []
    az("ad", "user", "delete", "--id", person)


if __name__ == "__main__":
    checks.run(*sys.argv[1:2])
