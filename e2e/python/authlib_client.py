"""Authlib, as published, on requests. A session reads no metadata; the endpoints are handed to it."""

import json
import os

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # the server under test speaks http on the loopback

from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

from person import end_access, given, report, visit


def main():
    hooked = not report("code", lambda: shown(connected("client_secret_basic")))
    hook = ", with a hook" if hooked else ""
    for way, method in {"Basic": "client_secret_basic", "body": "client_secret_post"}.items():
        report(f"refresh, {way}{hook}", lambda: shown(refreshed(connected(method, hooked))))
        report(f"introspection, {way}", lambda: introspected(connected(method, hooked)))
        report(f"revocation, {way}", lambda: revoked(connected(method, hooked)))
        report(f"client credentials, {way}", lambda: client_credentials(method))
        report(f"wrong secret, {way}", lambda: told(connected(method, hooked, "not the secret").token))
    report("code twice", lambda: code_twice(hooked))
    report("access ended", lambda: access_ended(hooked))


def session(method, hooked=False, secret=None):
    session = OAuth2Session(
        given("CLIENT_ID"),
        secret or given("CLIENT_SECRET"),
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope=given("SCOPE"),
        redirect_uri=given("REDIRECT_URI"),
        code_challenge_method=given("PKCE") or None,
    )
    if hooked:
        session.register_compliance_hook("access_token_response", called_bearer)
        session.register_compliance_hook("refresh_token_response", called_bearer)
    return session


def connected(method, hooked=False, secret=None):
    client = session(method, hooked, secret)
    redeem(client, *started(client))
    return client


def started(client):
    verifier = generate_token(48) if given("PKCE") else None
    url, state = client.create_authorization_url(given("AUTHORIZE"), code_verifier=verifier)
    return visit(url), state, verifier


def redeem(client, redirected, state, verifier):
    pkce = {"code_verifier": verifier} if verifier else {}
    return client.fetch_token(given("TOKEN"), authorization_response=redirected, state=state, **pkce)


def refreshed(client):
    before = client.token
    after = client.refresh_token(given("TOKEN"), refresh_token=before["refresh_token"])
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]
    return client


def shown(client):
    token = client.token
    person = client.get(given("IDENTITY")).json()
    return f"{token['token_type']}, {token['expires_in']!r} s, {token.get('scope')!r}, {person['email']}"


def introspected(client):
    """RFC 7662."""
    live = client.introspect_token(given("INTROSPECT"), client.token["access_token"]).json()
    unknown = client.introspect_token(given("INTROSPECT"), "unknown").json()
    assert live["active"] is True and live["client_id"] == given("CLIENT_ID"), live
    return f"{', '.join(live)}; unknown: {unknown}"


def revoked(client):
    """RFC 7009: an access token ends alone, a refresh token takes its grant with it."""
    client.revoke_token(given("REVOKE"), client.token["access_token"], token_type_hint="access_token")
    assert client.get(given("IDENTITY")).status_code == 401
    refreshed(client)
    answer = client.revoke_token(given("REVOKE"), client.token["refresh_token"], token_type_hint="refresh_token")
    assert client.get(given("IDENTITY")).status_code == 401
    return f"{answer.status_code}, then {refusal(client)}"


def client_credentials(method):
    token = session(method).fetch_token(given("TOKEN"), grant_type="client_credentials")
    return f"{token['token_type']}, {token['scope']!r}, refresh token {token.get('refresh_token')}"


def code_twice(hooked):
    client = session("client_secret_basic", hooked)
    redirected = started(client)
    redeem(client, *redirected)
    return told(redeem(client, *redirected))


def access_ended(hooked):
    client = connected("client_secret_basic", hooked)
    end_access()
    return refusal(client)


def refusal(client):
    try:
        return told(client.refresh_token(given("TOKEN"), refresh_token=client.token["refresh_token"]))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def told(token):
    """Authlib takes an answer without `error` for a token, whatever its status, and adds the refresh token it has."""
    assert "access_token" not in token, "refused nothing"
    members = {name: value for name, value in token.items() if name != "refresh_token"}
    return f"no error, but a token of {members}"


def called_bearer(answer):
    """What the library's documentation has for providers with a token type of their own."""
    token = json.loads(answer.text)
    if "token_type" in token:
        answer._content = json.dumps({**token, "token_type": "Bearer"}).encode()
    return answer


main()
