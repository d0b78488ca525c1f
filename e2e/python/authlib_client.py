"""Authlib, as published, against a Hallpass server on preset `default`.

Environment: E2E_ISSUER, E2E_CLIENT_ID, E2E_CLIENT_SECRET, E2E_REDIRECT_URI, E2E_USERNAME, E2E_PASSWORD, E2E_SCOPE.
Ends with 0 if every step went as the RFCs say.
"""

import os
from urllib.parse import parse_qs, urlsplit

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # the server under test speaks http on the loopback

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

import forms


def main():
    metadata = discover()
    for method in ("client_secret_basic", "client_secret_post"):
        print(f"-- {method}")
        client = session(metadata, method)
        authorization_code(client, metadata)
        introspection(client, metadata)
        refresh(client, metadata)
        revocation(client, metadata)
        client_credentials(session(metadata, method), metadata)


def discover():
    """RFC 8414 §3."""
    answer = requests.get(given("ISSUER") + "/.well-known/oauth-authorization-server")
    metadata = answer.json()
    assert metadata["issuer"] == given("ISSUER"), metadata
    assert "S256" in metadata["code_challenge_methods_supported"], metadata
    passed("metadata names the issuer")
    return metadata


def authorization_code(client, metadata):
    """RFC 6749 §4.1 with RFC 7636 and RFC 9207."""
    verifier = generate_token(48)
    url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    redirected = forms.allow(url, given("REDIRECT_URI"), given("USERNAME"), given("PASSWORD"))
    assert parse_qs(urlsplit(redirected).query)["iss"] == [given("ISSUER")], redirected
    token = client.fetch_token(
        metadata["token_endpoint"], authorization_response=redirected, state=state, code_verifier=verifier
    )
    assert token["token_type"].lower() == "bearer" and token["refresh_token"], token.keys()
    person = client.get(metadata["userinfo_endpoint"]).json()
    assert person["email"] == given("USERNAME"), person
    passed("a code is exchanged, and the token opens the identity endpoint")


def introspection(client, metadata):
    """RFC 7662."""
    answer = introspect(client, metadata, client.token["access_token"])
    assert answer["active"] is True and answer["client_id"] == given("CLIENT_ID"), answer
    assert answer["scope"] == given("SCOPE"), answer
    assert introspect(client, metadata, "unknown") == {"active": False}
    passed("introspection tells a live token from an unknown one")


def refresh(client, metadata):
    """RFC 6749 §6."""
    before = dict(client.token)
    after = client.refresh_token(metadata["token_endpoint"], refresh_token=before["refresh_token"])
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]
    assert introspect(client, metadata, after["access_token"])["active"] is True
    passed("a refresh gives a new pair")


def revocation(client, metadata):
    """RFC 7009: an access token ends alone, a refresh token takes its grant with it."""
    token = dict(client.token)
    endpoint = metadata["revocation_endpoint"]
    answer = client.revoke_token(endpoint, token["access_token"], token_type_hint="access_token")
    assert answer.status_code == 200, answer.text
    assert introspect(client, metadata, token["access_token"]) == {"active": False}
    successor = client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
    client.revoke_token(endpoint, successor["refresh_token"], token_type_hint="refresh_token")
    assert introspect(client, metadata, successor["access_token"]) == {"active": False}
    try:
        client.refresh_token(metadata["token_endpoint"], refresh_token=successor["refresh_token"])
    except OAuthError as error:
        assert error.error == "invalid_grant", error
    else:
        raise AssertionError("a revoked refresh token was refreshed")
    passed("revocation ends a token, then the grant")


def client_credentials(client, metadata):
    """RFC 6749 §4.4."""
    token = client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert "refresh_token" not in token, token.keys()
    assert introspect(client, metadata, token["access_token"])["active"] is True
    passed("an app gets a token for itself, without a refresh token")


def session(metadata, method):
    return OAuth2Session(
        given("CLIENT_ID"),
        given("CLIENT_SECRET"),
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope=given("SCOPE"),
        redirect_uri=given("REDIRECT_URI"),
        code_challenge_method="S256",
    )


def introspect(client, metadata, token):
    answer = client.introspect_token(metadata["introspection_endpoint"], token)
    assert answer.status_code == 200, answer.text
    return answer.json()


def given(name):
    return os.environ["E2E_" + name]


def passed(what):
    print("ok", what, flush=True)


main()
