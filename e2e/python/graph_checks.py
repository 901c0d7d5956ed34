"""Unmodified Microsoft Graph SDK for Python against a running Casbah: the life of an application, of a group and of a
person, through the SDK's own models."""

import asyncio
import sys
from importlib.metadata import version

import httpx
from azure.identity import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from kiota_abstractions.api_error import APIError
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.applications.item.add_password.add_password_post_request_body import AddPasswordPostRequestBody
from msgraph.generated.models.app_role_assignment import AppRoleAssignment
from msgraph.generated.models.application import Application
from msgraph.generated.models.federated_identity_credential import FederatedIdentityCredential
from msgraph.generated.models.group import Group
from msgraph.generated.models.o_auth2_permission_grant import OAuth2PermissionGrant
from msgraph.generated.models.password_credential import PasswordCredential
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.service_principal import ServicePrincipal
from msgraph.generated.models.user import User
from msgraph.generated.models.web_application import WebApplication
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import GraphClientFactory

from checks import DEFAULT, ENV, RESOURCE, TENANT, URL, Checks, list_alerts, trusting

checks = Checks("Graph SDK for Python", version("msgraph-sdk"))
HOST = URL.split("//")[1].split(":")[0]


def credential(client_id, secret):
    return ClientSecretCredential(TENANT, client_id, secret, authority=URL, disable_instance_discovery=True)


def graph():
    """A client, as its page says how to make one for another cloud."""
    directory = credential(ENV["E2E_DIRECTORY_CLIENT_ID"], ENV["E2E_DIRECTORY_CLIENT_SECRET"])
    provider = AzureIdentityAuthenticationProvider(directory, scopes=[f"{URL}/.default"], allowed_hosts=[HOST])
    http = GraphClientFactory.create_with_default_middleware(
        host=URL, client=httpx.AsyncClient(base_url=f"{URL}/v1.0", verify=trusting())
    )
    adapter = GraphRequestAdapter(provider, http)
    adapter.base_url = f"{URL}/v1.0"
    return GraphServiceClient(request_adapter=adapter)


def of(flow):
    """A check that is a coroutine, with a client of its own."""
    return lambda check: checks.of(flow)(lambda: asyncio.run(check(graph())))


async def refused(request):
    try:
        await request
    except APIError as problem:
        return problem
    raise AssertionError("not refused")


def reference(path):
    return ReferenceCreate(odata_id=f"{URL}/v1.0/{path}")


@of("secret: a token of azure-identity")
async def _(client):
    found = await client.organization.get()
    assert found.value[0].id == TENANT
    assert found.value[0].verified_domains[0].is_default


@of("directory: an application's life")
async def _(client):
    owner = await client.users.by_user_id(ENV["CASBAH_USER"]).get()
    wanted = Application(display_name="made by the SDK", web=WebApplication(redirect_uris=["https://app.example/cb"]))
    wanted.additional_data = {"owners@odata.bind": [f"{URL}/v1.0/directoryObjects/{owner.id}"]}
    app = await client.applications.post(wanted)
    it = client.applications.by_application_id(app.id)
    owners = (await it.owners.get()).value
    assert owner.id in [one.id for one in owners] and any(isinstance(one, User) for one in owners), owners
    await it.patch(Application(display_name="changed by the SDK", tags=["one"]))
    changed = await it.get()
    assert (changed.display_name, changed.tags) == ("changed by the SDK", ["one"]), changed
    assert changed.web.redirect_uris == ["https://app.example/cb"] and changed.created_date_time.year > 2000

    own = await client.service_principals.post(ServicePrincipal(app_id=app.app_id))
    resource = await client.service_principals_with_app_id(RESOURCE).get()
    role = next(r for r in resource.app_roles if r.value == "investigation.read")
    assigned = await client.service_principals.by_service_principal_id(resource.id).app_role_assigned_to.post(
        AppRoleAssignment(principal_id=own.id, resource_id=resource.id, app_role_id=role.id)
    )
    assert str(assigned.principal_id) == own.id and assigned.principal_type == "ServicePrincipal", assigned
    secret = await it.add_password.post(
        AddPasswordPostRequestBody(password_credential=PasswordCredential(display_name="first"))
    )
    listed = (await it.get()).password_credentials
    assert [one.key_id for one in listed] == [secret.key_id] and listed[0].secret_text is None
    list_alerts(credential(app.app_id, secret.secret_text).get_token(DEFAULT).token)

    federated = FederatedIdentityCredential(
        name="main", issuer="https://ci.example", subject="repo:a/b", audiences=["api://AzureADTokenExchange"]
    )
    made = await it.federated_identity_credentials.post(federated)
    one = it.federated_identity_credentials.by_federated_identity_credential_id(made.id)
    await one.patch(FederatedIdentityCredential(subject="repo:a/c"))
    assert (await one.get()).subject == "repo:a/c"
    await one.delete()

    granted = await client.oauth2_permission_grants.post(OAuth2PermissionGrant(
        client_id=own.id, consent_type="AllPrincipals", resource_id=resource.id, scope="investigation.read"
    ))
    consent = client.oauth2_permission_grants.by_o_auth2_permission_grant_id(granted.id)
    await consent.patch(OAuth2PermissionGrant(scope="investigation.read discovery.read"))
    assert (await consent.get()).scope.split() == ["investigation.read", "discovery.read"]

    await it.delete()
    assert (await refused(it.get())).response_status_code == 404
    deleted = client.directory.deleted_items.by_directory_object_id(app.id)
    gone = await deleted.get()
    assert isinstance(gone, Application) and gone.deleted_date_time, gone
    assert (await deleted.restore.post(None)).id == app.id
    assert (await it.get()).app_id == app.app_id
    await it.delete()
    await deleted.delete()


@of("directory: groups and people")
async def _(client):
    domain = ENV["CASBAH_USER"].split("@")[1]
    person = await client.users.post(User(
        account_enabled=True, display_name="Kim Kiota", mail_nickname="kiota", user_principal_name=f"kiota@{domain}",
        password_profile=PasswordProfile(password="correct horse battery", force_change_password_next_sign_in=False),
    ))
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        filter="startswith(displayName,'Kim')", select=["id", "displayName"], count=True
    )
    asked = RequestConfiguration(query_parameters=query)
    asked.headers.add("ConsistencyLevel", "eventual")
    found = await client.users.get(asked)
    assert ([u.id for u in found.value], found.odata_count) == ([person.id], 1), found
    group = await client.groups.post(
        Group(display_name="Kims", mail_nickname="kims", mail_enabled=False, security_enabled=True)
    )
    members = client.groups.by_group_id(group.id).members
    await members.ref.post(reference(f"directoryObjects/{person.id}"))
    [member] = (await members.get()).value
    assert isinstance(member, User) and member.user_principal_name == f"kiota@{domain}", member
    await members.by_directory_object_id(person.id).ref.delete()
    assert (await members.get()).value == []
    await client.users.by_user_id(person.id).patch(User(surname="Kiota", account_enabled=False))
    assert (await client.users.by_user_id(person.id).get()).surname == "Kiota"
    await client.groups.by_group_id(group.id).delete()
    await client.users.by_user_id(person.id).delete()


@of("errors: as the SDK reads them")
async def _(client):
    missing = await refused(client.applications.by_application_id("00000000-0000-4000-8000-000000000000").get())
    assert (missing.response_status_code, missing.error.code) == (404, "Request_ResourceNotFound"), missing
    assert missing.error.inner_error.request_id and missing.error.inner_error.date, missing


if __name__ == "__main__":
    checks.run(*sys.argv[1:])
