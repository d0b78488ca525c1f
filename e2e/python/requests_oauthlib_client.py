"""requests-oauthlib with oauthlib, as published. It reads no metadata and has no introspection."""

import json
import os

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # the server under test speaks http on the loopback

import requests
from oauthlib.oauth2 import BackendApplicationClient, WebApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from person import end_access, given, report, visit

ID, SECRET = given("CLIENT_ID"), given("CLIENT_SECRET")
WRONG = "not the secret"

# What each way of authenticating hands to `fetch_token`, and to `refresh_token`, which knows no secret of its own.
WAYS = {
    "Basic": lambda secret: ({"client_secret": secret}, {"auth": HTTPBasicAuth(ID, secret)}),
    "body": lambda secret: ({"client_secret": secret, "include_client_id": True}, {"client_id": ID, "client_secret": secret}),
}


def main():
    hooked = not report("code", lambda: shown(connected("Basic")))
    hook = ", with a hook" if hooked else ""
    for way in WAYS:
        report(f"refresh, {way}{hook}", lambda: shown(refreshed(connected(way, hooked), way)))
    report("revocation", lambda: revoked(hooked))
    report("client credentials", lambda: client_credentials(hooked))
    report("wrong secret, Basic", lambda: connected("Basic", hooked, WRONG))
    report("wrong secret, body", lambda: connected("body", hooked, WRONG))
    report("code twice", lambda: code_twice(hooked))
    report("access ended", lambda: access_ended(hooked))


def started(hooked):
    pkce = given("PKCE") or None
    session = OAuth2Session(ID, redirect_uri=given("REDIRECT_URI"), scope=given("SCOPE").split(), pkce=pkce)
    if hooked:
        session.register_compliance_hook("access_token_response", called_bearer)
        session.register_compliance_hook("refresh_token_response", called_bearer)
    url, _ = session.authorization_url(given("AUTHORIZE"))
    return session, visit(url)


def connected(way, hooked=False, secret=SECRET):
    session, redirected = started(hooked)
    session.fetch_token(given("TOKEN"), authorization_response=redirected, **WAYS[way](secret)[0])
    return session


def refreshed(session, way="Basic"):
    before = session.token
    session.refresh_token(given("TOKEN"), **WAYS[way](SECRET)[1])
    assert session.token["access_token"] != before["access_token"]
    assert session.token["refresh_token"] != before["refresh_token"]
    return session


def shown(session):
    token = session.token
    person = session.get(given("IDENTITY")).json()
    return f"{token['token_type']}, {token['expires_in']!r} s, {token.get('scope')!r}, {person['email']}"


def revoked(hooked):
    """RFC 7009: oauthlib makes the request, the application sends it. Then the refresh token is void."""
    session = connected("Basic", hooked)
    url, headers, body = WebApplicationClient(ID).prepare_token_revocation_request(
        given("REVOKE"), session.token["refresh_token"], "refresh_token"
    )
    answer = requests.post(url, data=body, headers=headers, auth=HTTPBasicAuth(ID, SECRET))
    return f"{answer.status_code}, then {refusal(session)}"


def client_credentials(hooked):
    session = OAuth2Session(client=BackendApplicationClient(ID, scope=given("SCOPE")))
    if hooked:
        session.register_compliance_hook("access_token_response", called_bearer)
    token = session.fetch_token(given("TOKEN"), client_secret=SECRET)
    return f"{token['token_type']}, {token['scope']!r}, refresh token {token.get('refresh_token')}"


def code_twice(hooked):
    session, redirected = started(hooked)
    session.fetch_token(given("TOKEN"), authorization_response=redirected, client_secret=SECRET)
    session.fetch_token(given("TOKEN"), authorization_response=redirected, client_secret=SECRET)


def access_ended(hooked):
    session = connected("Basic", hooked)
    end_access()
    return refusal(session)


def refusal(session):
    try:
        session.refresh_token(given("TOKEN"), auth=HTTPBasicAuth(ID, SECRET))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError("a void refresh token was refreshed")


def called_bearer(answer):
    """What the library's documentation has for providers with a token type of their own."""
    token = json.loads(answer.text)
    if "token_type" in token:
        answer._content = json.dumps({**token, "token_type": "Bearer"}).encode()
    return answer


main()
