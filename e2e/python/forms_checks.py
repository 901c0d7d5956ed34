"""The form posts that Microsoft's pages print, sent by a library that knows nothing of tokens."""

import sys

import requests

from checks import AUTHORITY, DEFAULT, ENV, READ, RESOURCE, URL, Checks, list_alerts

checks = Checks("requests (plain forms)", requests.__version__)
APPLICATION = {
    "client_id": ENV["CASBAH_CLIENT_ID"],
    "client_secret": ENV["CASBAH_CLIENT_SECRET"],
    "grant_type": "client_credentials",
}
USER = {
    "grant_type": "password",
    "client_id": ENV["CASBAH_PUBLIC_CLIENT_ID"],
    "username": ENV["CASBAH_USER"],
    "password": ENV["CASBAH_PASSWORD"],
}


def post(path, form, number):
    answer = requests.post(f"{AUTHORITY}/oauth2/{path}", data=form, timeout=30)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["token_type"] == "Bearer"
    # Numbers are numbers in version 2 and text in version 1.
    assert isinstance(body["expires_in"], number)
    assert ("scope" in body) == ("username" in form)
    list_alerts(body["access_token"])


@checks.of("secret: v2")
def _():
    post("v2.0/token", APPLICATION | {"scope": DEFAULT}, int)


@checks.of("secret: v1")
def _():
    post("token", APPLICATION | {"resource": RESOURCE}, str)


@checks.of("password: v1 with scope")
def _():
    post("token", USER | {"scope": READ}, str)


@checks.of("password: v1 with resource")
def _():
    post("token", USER | {"resource": RESOURCE}, str)


@checks.of("legacy token: the spellings that clients send")
def _():
    # requests refuses a header with a trailing blank, which some products send; http.client does not.
    import http.client

    from checks import trusting

    for header in ["Token {}", "token {}", "TOKEN  {} "]:
        connection = http.client.HTTPSConnection(URL.split("//")[1], context=trusting())
        value = header.format(ENV["CASBAH_API_TOKEN"])
        connection.request("GET", "/cas/api/v1/alerts", headers={"Authorization": value})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        assert answer.headers["Deprecation"] and answer.headers["Sunset"]


if __name__ == "__main__":
    checks.run(*sys.argv[1:])
