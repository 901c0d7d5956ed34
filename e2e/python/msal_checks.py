"""Unmodified MSAL for Python against a running Casbah."""

import json
import sys
import time

import msal

from checks import (
    AUTHORITY,
    DEFAULT,
    ENV,
    READ,
    URL,
    Checks,
    Listener,
    approving,
    browser,
    claims,
    list_alerts,
    port_443,
)

checks = Checks("MSAL Python", msal.__version__)
ENV.update(port_443())


def confidential(credential=ENV["CASBAH_CLIENT_SECRET"], client_id=ENV["CASBAH_CLIENT_ID"], **options):
    options = {"authority": AUTHORITY, "instance_discovery": False} | options
    return msal.ConfidentialClientApplication(client_id, credential, **options)


def web():
    return confidential(ENV["E2E_WEB_CLIENT_SECRET"], ENV["E2E_WEB_CLIENT_ID"])


def public(**options):
    options = {"authority": AUTHORITY, "instance_discovery": False} | options
    return msal.PublicClientApplication(ENV["CASBAH_PUBLIC_CLIENT_ID"], **options)


def good(result):
    assert "access_token" in result, result
    list_alerts(result["access_token"])
    return result


def of_the_user(result):
    good(result)
    assert result["id_token_claims"]["preferred_username"].lower() == ENV["CASBAH_USER"].lower()
    assert "client_info" in result and "refresh_token" in result
    return result


def app_only(app):
    first = good(app.acquire_token_for_client([DEFAULT]))
    inside = claims(first["access_token"])
    assert inside["idtyp"] == "app" and "scp" not in inside and inside["roles"]
    assert "scope" not in first
    assert app.acquire_token_for_client([DEFAULT])["token_source"] == "cache"


def expire(app, cache):
    """What an hour does: the cached access tokens are past their end."""
    content = json.loads(cache.serialize())
    for token in content["AccessToken"].values():
        token["expires_on"] = str(int(time.time()) - 10)
    cache.deserialize(json.dumps(content))


@checks.of("secret")
def _():
    app_only(confidential())


@checks.of("secret: oidc_authority")
def _():
    app_only(
        msal.ConfidentialClientApplication(
            ENV["CASBAH_CLIENT_ID"], ENV["CASBAH_CLIENT_SECRET"], oidc_authority=f"{AUTHORITY}/v2.0"
        )
    )


@checks.of("secret: own instance discovery")
def _():
    app_only(confidential(instance_discovery=f"{URL}/common/discovery/instance"))


@checks.of("secret: tenant by domain, claims challenge and CP1")
def _():
    app = confidential(authority=f"{URL}/contoso.example", client_capabilities=["CP1"])
    challenge = json.dumps({"access_token": {"nbf": {"essential": True, "value": str(int(time.time()) - 60)}}})
    good(app.acquire_token_for_client([DEFAULT], claims_challenge=challenge))


def of_file(name):
    with open(ENV[name]) as file:
        return file.read()


def certified(credential):
    app_only(confidential(credential, ENV["E2E_CERTIFICATE_CLIENT_ID"]))


@checks.of("certificate: PEM and thumbprint (RS256, x5t)")
def _():
    certified({"private_key": of_file("E2E_KEY"), "thumbprint": ENV["E2E_THUMBPRINT"]})


@checks.of("certificate: PEM and thumbprint with x5c")
def _():
    chain = of_file("E2E_CERTIFICATE")
    certified({"private_key": of_file("E2E_KEY"), "thumbprint": ENV["E2E_THUMBPRINT"], "public_certificate": chain})


@checks.of("certificate: PFX (PS256, x5t#S256)")
def _():
    certified({"private_key_pfx_path": ENV["E2E_PFX"], "passphrase": ENV["E2E_PFX_PASSWORD"]})


@checks.of("certificate: PFX with x5c")
def _():
    path, passphrase = ENV["E2E_PFX"], ENV["E2E_PFX_PASSWORD"]
    certified({"private_key_pfx_path": path, "passphrase": passphrase, "public_certificate": True})


@checks.of("assertion: of another issuer, by a function")
def _():
    app_only(confidential({"client_assertion": lambda: of_file("E2E_ASSERTION_FILE")}, ENV["E2E_WORKLOAD_CLIENT_ID"]))


@checks.of("errors: a certificate of somebody else")
def _():
    credential = {"private_key": of_file("E2E_KEY"), "thumbprint": "00" * 20}
    result = confidential(credential, ENV["E2E_CERTIFICATE_CLIENT_ID"]).acquire_token_for_client([DEFAULT])
    assert (result["error"], result["error_codes"]) == ("invalid_client", [700027]), result


@checks.of("errors: wrong secret")
def _():
    result = confidential("wrong").acquire_token_for_client([DEFAULT])
    assert (result["error"], result["error_codes"]) == ("invalid_client", [7000215]), result
    assert "AADSTS7000215" in result["error_description"]


@checks.of("errors: wrong password")
def _():
    result = public().acquire_token_by_username_password(ENV["CASBAH_USER"], "wrong", [READ])
    assert (result["error"], result["error_codes"]) == ("invalid_grant", [50126]), result


def code(app, **options):
    listener = Listener()
    flow = app.initiate_auth_code_flow([READ], redirect_uri=listener.address, **options)
    fields = listener.sign_in(flow["auth_uri"])
    return of_the_user(app.acquire_token_by_auth_code_flow(flow, fields))


@checks.of("code: public client, PKCE")
def _():
    code(public(), login_hint=ENV["CASBAH_USER"], max_age=600)


@checks.of("code: confidential client")
def _():
    code(web())


@checks.of("code: confidential client, form_post")
def _():
    code(web(), response_mode="form_post")


@checks.of("interactive")
def _():
    app = public()
    of_the_user(app.acquire_token_interactive([READ], timeout=90))
    account = app.get_accounts()[0]
    assert app.acquire_token_silent([READ], account)["token_source"] == "cache"
    renewed = good(app.acquire_token_silent([READ], account, force_refresh=True))
    assert renewed["token_source"] == "identity_provider"


@checks.of("device code")
def _():
    app = public()
    flow = app.initiate_device_flow([READ])
    assert "verification_url" not in flow
    flow["interval"] = 1
    approving(flow["verification_uri"], flow["user_code"])
    of_the_user(app.acquire_token_by_device_flow(flow))
    assert app.acquire_token_silent([READ], app.get_accounts()[0])["token_source"] == "cache"


@checks.of("device code: declined")
def _():
    app = public()
    flow = app.initiate_device_flow([READ])
    browser("approve", uri=flow["verification_uri"], code=flow["user_code"], cancel="1")
    result = app.acquire_token_by_device_flow(flow)
    assert result["error"] == "authorization_declined", result


@checks.of("password")
def _():
    app = public()
    result = of_the_user(app.acquire_token_by_username_password(ENV["CASBAH_USER"], ENV["CASBAH_PASSWORD"], [READ]))
    assert "investigation.read" in claims(result["access_token"])["scp"].split()


@checks.of("silent: from the cache, and refreshed after expiry")
def _():
    cache = msal.SerializableTokenCache()
    app = public(token_cache=cache)
    # The entry of `.default` must be found again, before and after it was refreshed.
    good(app.acquire_token_by_username_password(ENV["CASBAH_USER"], ENV["CASBAH_PASSWORD"], [DEFAULT]))
    account = app.get_accounts()[0]
    silent = lambda: app.acquire_token_silent([DEFAULT], account)  # noqa: E731
    assert silent()["token_source"] == "cache"
    expire(app, cache)
    assert good(silent())["token_source"] == "identity_provider"
    assert silent()["token_source"] == "cache"


@checks.of("silent: refresh token of another cache")
def _():
    first = public().acquire_token_by_username_password(ENV["CASBAH_USER"], ENV["CASBAH_PASSWORD"], [READ])
    good(public().acquire_token_by_refresh_token(first["refresh_token"], [READ]))


@checks.of("on-behalf-of")
def _():
    app = confidential(ENV["E2E_API_CLIENT_SECRET"], ENV["E2E_API_CLIENT_ID"])
    result = of_the_user(app.acquire_token_on_behalf_of(ENV["E2E_API_TOKEN"], [READ]))
    assert claims(result["access_token"])["appid"] == ENV["E2E_API_CLIENT_ID"]


@checks.of("errors: on behalf of nobody")
def _():
    app = confidential(ENV["E2E_API_CLIENT_SECRET"], ENV["E2E_API_CLIENT_ID"])
    foreign = confidential().acquire_token_for_client([DEFAULT])["access_token"]
    assert app.acquire_token_on_behalf_of(foreign, [READ])["error"] == "invalid_grant"


if __name__ == "__main__":
    checks.run(*sys.argv[1:])
