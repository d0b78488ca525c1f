"""Calls an API with a token from the keeper."""

import json
import os
import sys
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

KEEPER, SECRET = os.environ["KEEPER_URL"], os.environ["KEEPER_SECRET"]


def get(url, bearer):
    """Status and body of a GET."""
    try:
        with urlopen(Request(url, headers={"Authorization": f"Bearer {bearer}"}), timeout=30) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        kind = error.headers.get_content_type()
        return error.code, json.load(error) if kind == "application/json" else {}
    except (URLError, TimeoutError) as error:
        sys.exit(f"no answer: {error}")


def token(connection, refused=None):
    """A live access token. `refused` is a token that the API refused."""
    query = f"?refused={quote(refused[-8:])}" if refused else ""
    status, body = get(f"{KEEPER}/token/{quote(connection)}{query}", SECRET)
    if status == 200:
        return body["access_token"]
    if status == 404:
        sys.exit(f"{connection} is not connected, or this program may not use it")
    if status == 409:
        sys.exit(f"the user must connect {connection} again: {body['reason']}")
    if status == 503:
        sys.exit(f"no token now ({body.get('reason', 'busy')}): ask again in {body['retry_after']} s")
    sys.exit(f"the keeper answers {status}: {body.get('message')}")


def call(connection, url):
    """The API's answer. If the API refuses the token, another one is tried, once."""
    access = token(connection)
    status, body = get(url, access)
    if status == 401:
        status, body = get(url, token(connection, refused=access))
    return body if status == 200 else sys.exit(f"the API answers {status}")


print(json.dumps(call(os.environ["CONNECTION"], os.environ["API_URL"])))
