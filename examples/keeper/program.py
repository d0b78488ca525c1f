"""Calls an API with a token from the keeper."""

import json
import os
import sys
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

KEEPER, SECRET = os.environ["KEEPER_URL"], os.environ["KEEPER_SECRET"]


class NeedsUser(Exception):
    """The user must connect again."""


def token(connection, refused=None):
    """A live access token. `refused` is a token that the API refused."""
    query = f"?refused={quote(refused[-8:])}" if refused else ""
    headers = {"Authorization": f"Bearer {SECRET}"}
    try:
        with urlopen(Request(f"{KEEPER}/token/{quote(connection)}{query}", headers=headers), timeout=30) as answer:
            return json.load(answer)["access_token"]
    except HTTPError as error:
        if error.code == 409:
            raise NeedsUser(json.load(error)["reason"]) from None
        raise


def call(connection, url):
    """The API's answer. If the API refuses the token, another one is tried, once."""
    access = token(connection)
    for last in (False, True):
        try:
            with urlopen(Request(url, headers={"Authorization": f"Bearer {access}"}), timeout=30) as answer:
                return json.load(answer)
        except HTTPError as error:
            if error.code != 401 or last:
                raise
            access = token(connection, refused=access)


try:
    print(json.dumps(call(os.environ["CONNECTION"], os.environ["API_URL"])))
except NeedsUser as reason:
    sys.exit(f"connect again: {reason}")
