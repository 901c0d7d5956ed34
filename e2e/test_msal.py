"""Unmodified MSAL for Python, and the form posts that Microsoft's pages print, against a running Casbah."""

import base64
import json
import os
import sys

import msal
import pytest
import requests

URL = os.environ["CASBAH_URL"]
TENANT = os.environ["CASBAH_TENANT"]
RESOURCE = "05a65629-4c1b-48c1-a78b-804c4abdd4af"
SCOPES = [f"{RESOURCE}/Investigation.read"]
AUTHORITY = f"{URL}/{TENANT}"


class PortKeeper(requests.Session):
    """MSAL asks for the user realm on port 443 whatever the authority's port is; where the tests may not
    listen there, this client sends that one request to the right port."""

    def request(self, method, url, **options):
        bare = f"https://{URL.split('//')[1].split(':')[0]}/common/userrealm/"
        if url.startswith(bare):
            url = url.replace(bare, f"{URL}/common/userrealm/")
        return super().request(method, url, **options)


def confidential(secret=os.environ["CASBAH_CLIENT_SECRET"]):
    return msal.ConfidentialClientApplication(
        os.environ["CASBAH_CLIENT_ID"], secret, authority=AUTHORITY, instance_discovery=False
    )


def public():
    return msal.PublicClientApplication(
        os.environ["CASBAH_PUBLIC_CLIENT_ID"], authority=AUTHORITY, instance_discovery=False, http_client=PortKeeper()
    )


def list_alerts(token):
    answer = requests.get(f"{URL}/api/v1/alerts/", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert answer.status_code == 200, answer.text
    assert isinstance(answer.json()["data"], list)


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_application_gets_a_token_once_and_lists_alerts():
    app = confidential()
    first = app.acquire_token_for_client([f"{RESOURCE}/.default"])
    assert "access_token" in first, first
    assert claims(first["access_token"])["idtyp"] == "app"
    list_alerts(first["access_token"])
    second = app.acquire_token_for_client([f"{RESOURCE}/.default"])
    assert second["token_source"] == "cache"


def test_user_signs_in_interactively_through_the_pages(monkeypatch):
    here = os.path.dirname(os.path.abspath(__file__))
    # The ampersand lets MSAL listen while the browser is at work.
    monkeypatch.setenv("BROWSER", f"node {here}/sign-in.mjs %s &")
    app = public()
    result = app.acquire_token_interactive(SCOPES, timeout=60)
    assert "access_token" in result, result
    assert result["id_token_claims"]["preferred_username"].lower() == os.environ["CASBAH_USER"].lower()
    list_alerts(result["access_token"])
    account = app.get_accounts()[0]
    assert app.acquire_token_silent(SCOPES, account)["token_source"] == "cache"
    renewed = app.acquire_token_silent(SCOPES, account, force_refresh=True)
    assert renewed["token_source"] == "identity_provider"
    list_alerts(renewed["access_token"])


def test_password_grant():
    app = public()
    result = app.acquire_token_by_username_password(os.environ["CASBAH_USER"], os.environ["CASBAH_PASSWORD"], SCOPES)
    assert "access_token" in result, result
    assert "investigation.read" in claims(result["access_token"])["scp"].split()
    list_alerts(result["access_token"])


def test_wrong_secret_is_told_as_entra_tells_it():
    result = confidential("wrong").acquire_token_for_client([f"{RESOURCE}/.default"])
    assert result["error"] == "invalid_client"
    assert result["error_codes"] == [7000215]
    assert "AADSTS7000215" in result["error_description"]


def test_wrong_password_is_told_as_entra_tells_it():
    result = public().acquire_token_by_username_password(os.environ["CASBAH_USER"], "wrong", SCOPES)
    assert (result["error"], result["error_codes"]) == ("invalid_grant", [50126])


def post(path, **form):
    return requests.post(f"{URL}/{TENANT}/oauth2/{path}", data=form, timeout=30)


APPLICATION = {
    "client_id": os.environ["CASBAH_CLIENT_ID"],
    "client_secret": os.environ["CASBAH_CLIENT_SECRET"],
    "grant_type": "client_credentials",
}
USER = {
    "grant_type": "password",
    "client_id": os.environ["CASBAH_PUBLIC_CLIENT_ID"],
    "username": os.environ["CASBAH_USER"],
    "password": os.environ["CASBAH_PASSWORD"],
}


@pytest.mark.parametrize(
    ("path", "form", "number"),
    [
        ("v2.0/token", APPLICATION | {"scope": f"{RESOURCE}/.default"}, int),
        ("token", APPLICATION | {"resource": RESOURCE}, str),
        ("token", USER | {"scope": f"{RESOURCE}/Investigation.read"}, str),
        ("token", USER | {"resource": RESOURCE}, str),
    ],
    ids=["application-v2", "application-v1", "user-v1-scope", "user-v1-resource"],
)
def test_the_form_posts_of_microsofts_pages(path, form, number):
    answer = post(path, **form)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert isinstance(body["expires_in"], number)
    assert ("scope" in body) == ("username" in form)
    list_alerts(body["access_token"])


@pytest.mark.parametrize("header", ["Token {}", "token {}", "TOKEN  {} "])
def test_the_legacy_token_in_the_spellings_that_clients_send(header):
    # requests refuses a header with a trailing blank, which some products send; http.client does not.
    import http.client
    import ssl

    host = URL.split("//")[1]
    connection = http.client.HTTPSConnection(host, context=ssl.create_default_context())
    value = header.format(os.environ["CASBAH_API_TOKEN"])
    connection.request("GET", "/cas/api/v1/alerts", headers={"Authorization": value})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    assert answer.headers["Deprecation"] and answer.headers["Sunset"]
    assert isinstance(json.loads(answer.read())["data"], list)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
