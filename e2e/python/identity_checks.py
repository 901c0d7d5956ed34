"""Unmodified azure-identity for Python against a running Casbah."""

import sys
import time
import urllib.parse

import azure.identity
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AuthenticationRecord,
    AuthenticationRequiredError,
    AuthorizationCodeCredential,
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    EnvironmentCredential,
    InteractiveBrowserCredential,
    OnBehalfOfCredential,
    UsernamePasswordCredential,
    WorkloadIdentityCredential,
)

from checks import AUTHORITY, DEFAULT, ENV, TENANT, URL, Checks, Listener, approving, list_alerts, port_443

checks = Checks("azure-identity Python", azure.identity.__version__)
WHERE = {"authority": URL, "disable_instance_discovery": True}


def public(credential, **options):
    return credential(client_id=ENV["CASBAH_PUBLIC_CLIENT_ID"], tenant_id=TENANT, **WHERE, **options)


def twice(credential, **options):
    """The second call comes from the cache."""
    first = credential.get_token(DEFAULT, **options)
    list_alerts(first.token)
    assert first.expires_on > time.time() + 3000
    assert credential.get_token(DEFAULT, **options).token == first.token


@checks.of("secret: ClientSecretCredential")
def _():
    twice(ClientSecretCredential(TENANT, ENV["CASBAH_CLIENT_ID"], ENV["CASBAH_CLIENT_SECRET"], **WHERE))


@checks.of("secret: ClientSecretCredential with enable_cae")
def _():
    credential = ClientSecretCredential(TENANT, ENV["CASBAH_CLIENT_ID"], ENV["CASBAH_CLIENT_SECRET"], **WHERE)
    twice(credential, enable_cae=True)


@checks.of("secret: EnvironmentCredential")
def _():
    with environment(
        AZURE_TENANT_ID=TENANT,
        AZURE_CLIENT_ID=ENV["CASBAH_CLIENT_ID"],
        AZURE_CLIENT_SECRET=ENV["CASBAH_CLIENT_SECRET"],
        AZURE_AUTHORITY_HOST=URL,
    ):
        twice(EnvironmentCredential(disable_instance_discovery=True))


def certificate(**options):
    return CertificateCredential(TENANT, ENV["E2E_CERTIFICATE_CLIENT_ID"], **WHERE, **options)


@checks.of("certificate: PEM")
def _():
    twice(certificate(certificate_path=ENV["E2E_PEM"]))


@checks.of("certificate: PEM with its chain")
def _():
    twice(certificate(certificate_path=ENV["E2E_PEM"], send_certificate_chain=True))


@checks.of("certificate: PFX")
def _():
    twice(certificate(certificate_path=ENV["E2E_PFX"], password=ENV["E2E_PFX_PASSWORD"]))


@checks.of("assertion: ClientAssertionCredential")
def _():
    def assertion():
        with open(ENV["E2E_ASSERTION_FILE"]) as file:
            return file.read()

    twice(ClientAssertionCredential(TENANT, ENV["E2E_WORKLOAD_CLIENT_ID"], assertion, authority=URL))


@checks.of("workload identity: without the switch for discovery")
def _():
    with environment(
        AZURE_TENANT_ID=TENANT,
        AZURE_CLIENT_ID=ENV["E2E_WORKLOAD_CLIENT_ID"],
        AZURE_FEDERATED_TOKEN_FILE=ENV["E2E_ASSERTION_FILE"],
        AZURE_AUTHORITY_HOST=URL,
    ):
        twice(WorkloadIdentityCredential())


@checks.of("errors: wrong secret")
def _():
    try:
        ClientSecretCredential(TENANT, ENV["CASBAH_CLIENT_ID"], "wrong", **WHERE).get_token(DEFAULT)
    except ClientAuthenticationError as refused:
        assert "AADSTS7000215" in refused.message, refused.message
    else:
        raise AssertionError("a wrong secret was accepted")


@checks.of("code: AuthorizationCodeCredential")
def _():
    # This credential leaves the first half to its caller.
    listener = Listener()
    asked = {"client_id": ENV["E2E_WEB_CLIENT_ID"], "response_type": "code", "redirect_uri": listener.address}
    asked["scope"] = f"{DEFAULT} offline_access"
    code = listener.sign_in(f"{AUTHORITY}/oauth2/v2.0/authorize?{urllib.parse.urlencode(asked)}")["code"]
    secret = ENV["E2E_WEB_CLIENT_SECRET"]
    twice(
        AuthorizationCodeCredential(
            TENANT, ENV["E2E_WEB_CLIENT_ID"], code, listener.address, client_secret=secret, authority=URL
        )
    )


@checks.of("interactive")
def _():
    twice(public(InteractiveBrowserCredential))


@checks.of("device code")
def _():
    def prompt(uri, code, _):
        approving(uri, code)

    twice(public(DeviceCodeCredential, prompt_callback=prompt))


@checks.of("password: UsernamePasswordCredential")
def _():
    person = {"username": ENV["CASBAH_USER"], "password": ENV["CASBAH_PASSWORD"]}
    with environment(**port_443()):
        twice(public(UsernamePasswordCredential, **person))


@checks.of("silent: an account on record without a session asks for interaction")
def _():
    credential = public(InteractiveBrowserCredential)
    record = credential.authenticate(scopes=[DEFAULT])
    assert record.username.lower() == ENV["CASBAH_USER"].lower() and record.tenant_id == TENANT
    twice(credential)
    # This library takes an authority with a port only with its scheme, which it does not write itself.
    kept = record.serialize().replace(f'"authority": "{record.authority}"', f'"authority": "{URL}"')
    record = AuthenticationRecord.deserialize(kept)
    # The record names the authority and the tenant.
    other = InteractiveBrowserCredential(
        client_id=ENV["CASBAH_PUBLIC_CLIENT_ID"],
        authentication_record=record,
        disable_automatic_authentication=True,
        disable_instance_discovery=True,
    )
    try:
        other.get_token(DEFAULT)
    except AuthenticationRequiredError:
        return
    raise AssertionError("a token without a session")


@checks.of("on-behalf-of: OnBehalfOfCredential")
def _():
    secret, assertion = ENV["E2E_API_CLIENT_SECRET"], ENV["E2E_API_TOKEN"]
    api = ENV["E2E_API_CLIENT_ID"]
    twice(OnBehalfOfCredential(TENANT, api, client_secret=secret, user_assertion=assertion, **WHERE))


class environment:
    """Variables of this process for a while; the credentials read them when they are made."""

    def __init__(self, **variables):
        self.variables = variables

    def __enter__(self):
        self.before = {name: ENV.get(name) for name in self.variables}
        ENV.update(self.variables)

    def __exit__(self, *_):
        for name, value in self.before.items():
            if value is None:
                del ENV[name]
            else:
                ENV[name] = value


if __name__ == "__main__":
    checks.run(*sys.argv[1:])
