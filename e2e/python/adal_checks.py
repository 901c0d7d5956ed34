"""Unmodified ADAL for Python, which speaks version 1 only, against a running Casbah."""

import sys
import urllib.parse
from importlib.metadata import version

import adal

from checks import AUTHORITY, ENV, RESOURCE, Checks, Listener, approving, list_alerts

checks = Checks("ADAL Python (v1)", version("adal"))


def context():
    return adal.AuthenticationContext(AUTHORITY, validate_authority=False)


def good(result):
    list_alerts(result["accessToken"])
    assert result["resource"] == RESOURCE and 3000 < result["expiresIn"] <= 3600, result
    return result


def of_the_user(result):
    good(result)
    assert result["userId"].lower() == ENV["CASBAH_USER"].lower() and result["refreshToken"], result
    return result


@checks.of("secret")
def _():
    client = context()
    ask = lambda: client.acquire_token_with_client_credentials(  # noqa: E731
        RESOURCE, ENV["CASBAH_CLIENT_ID"], ENV["CASBAH_CLIENT_SECRET"]
    )
    first = good(ask())
    # The second call comes from the cache.
    assert ask()["accessToken"] == first["accessToken"]


@checks.of("certificate")
def _():
    with open(ENV["E2E_KEY"]) as file:
        key = file.read()
    client_id, thumbprint = ENV["E2E_CERTIFICATE_CLIENT_ID"], ENV["E2E_THUMBPRINT"]
    good(context().acquire_token_with_client_certificate(RESOURCE, client_id, key, thumbprint))


@checks.of("errors: wrong secret")
def _():
    try:
        context().acquire_token_with_client_credentials(RESOURCE, ENV["CASBAH_CLIENT_ID"], "wrong")
    except adal.AdalError as refused:
        assert refused.error_response["error_codes"] == [7000215], refused.error_response
    else:
        raise AssertionError("a wrong secret was accepted")


@checks.of("password")
def _():
    of_the_user(
        context().acquire_token_with_username_password(
            RESOURCE, ENV["CASBAH_USER"], ENV["CASBAH_PASSWORD"], ENV["CASBAH_PUBLIC_CLIENT_ID"]
        )
    )


@checks.of("device code")
def _():
    client = context()
    code = client.acquire_user_code(RESOURCE, ENV["CASBAH_PUBLIC_CLIENT_ID"])
    code["interval"] = 1
    approving(code["verification_url"], code["user_code"])
    of_the_user(client.acquire_token_with_device_code(RESOURCE, code, ENV["CASBAH_PUBLIC_CLIENT_ID"]))


def code(client):
    # ADAL leaves the first half to its caller.
    listener = Listener()
    redirect, client_id = listener.address, ENV["E2E_WEB_CLIENT_ID"]
    asked = {"client_id": client_id, "response_type": "code", "redirect_uri": redirect, "resource": RESOURCE}
    code = listener.sign_in(f"{AUTHORITY}/oauth2/authorize?{urllib.parse.urlencode(asked)}")["code"]
    secret = ENV["E2E_WEB_CLIENT_SECRET"]
    return client.acquire_token_with_authorization_code(code, redirect, RESOURCE, client_id, secret)


@checks.of("code: confidential client")
def _():
    of_the_user(code(context()))


@checks.of("silent: from the cache, and by the refresh token")
def _():
    client = context()
    first = of_the_user(code(client))
    client_id, secret = ENV["E2E_WEB_CLIENT_ID"], ENV["E2E_WEB_CLIENT_SECRET"]
    cached = client.acquire_token(RESOURCE, first["userId"], client_id)
    assert cached["accessToken"] == first["accessToken"]
    renewed = client.acquire_token_with_refresh_token(first["refreshToken"], client_id, RESOURCE, secret)
    list_alerts(renewed["accessToken"])


if __name__ == "__main__":
    checks.run(*sys.argv[1:])
