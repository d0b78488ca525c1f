"""Does for Hydra what a site does that has it: registers the app, signs people in and consents for them.

`prepare.py world` registers the app. `prepare.py codes N` prints N authorization codes, each of a flow of its own.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import parse_qs, urlencode, urlsplit

FLOWS_AT_ONCE = 8


def administered(method, path, body):
    connection = HTTPConnection("127.0.0.1", int(os.environ["ADMIN_PORT"]))
    connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status not in (200, 201):
        raise SystemExit(f"{path}: {answer.status} {text}")
    return json.loads(text)


def world():
    administered(
        "POST",
        "/admin/clients",
        {
            "client_id": os.environ["CLIENT_ID"],
            "client_secret": os.environ["CLIENT_SECRET"],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "redirect_uris": [os.environ["REDIRECT_URI"]],
            "response_types": ["code"],
            "scope": "offline",
            "token_endpoint_auth_method": "client_secret_basic",
        },
    )


class Browser:
    """One person's, with the cookies that it is given."""

    def __init__(self):
        self.connection = HTTPConnection("127.0.0.1", int(os.environ["PUBLIC_PORT"]))
        self.cookies = {}

    def follow(self, url):
        """Where the browser is sent from there."""
        place = urlsplit(url)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.connection.request("GET", f"{place.path}?{place.query}", headers={"Cookie": cookie})
        answer = self.connection.getresponse()
        text = answer.read().decode()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        location = answer.getheader("Location")
        if location is None:
            raise SystemExit(f"{place.path}: {answer.status} {text}")
        return location, {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def code(number):
    browser = Browser()
    request = {
        "response_type": "code",
        "client_id": os.environ["CLIENT_ID"],
        "redirect_uri": os.environ["REDIRECT_URI"],
        "scope": "offline",
        "state": "long-enough-for-hydra",
        "code_challenge": os.environ["CODE_CHALLENGE"],
        "code_challenge_method": "S256",
    }
    _, login = browser.follow("/oauth2/auth?" + urlencode(request))
    requests = "/admin/oauth2/auth/requests"
    accepted = administered(
        "PUT",
        f"{requests}/login/accept?" + urlencode({"login_challenge": login["login_challenge"]}),
        {"subject": f"person{number}"},
    )
    _, consent = browser.follow(accepted["redirect_to"])
    accepted = administered(
        "PUT",
        f"{requests}/consent/accept?" + urlencode({"consent_challenge": consent["consent_challenge"]}),
        {"grant_scope": ["offline"]},
    )
    location, back = browser.follow(accepted["redirect_to"])
    if "code" not in back:
        raise SystemExit(f"no code in {location}")
    return back["code"]


if sys.argv[1] == "world":
    world()
else:
    with ThreadPoolExecutor(FLOWS_AT_ONCE) as flows:
        print("\n".join(flows.map(code, range(int(sys.argv[2])))))
