"""What a client's script has around it: its part from the environment, the person asked through the test, the report.

Environment: E2E_ISSUER, E2E_AUTHORIZE, E2E_TOKEN, E2E_INTROSPECT, E2E_REVOKE, E2E_IDENTITY, E2E_CLIENT_ID,
E2E_CLIENT_SECRET, E2E_REDIRECT_URI, E2E_SCOPE, E2E_PKCE (`S256`, or empty: without).
"""

import os
import sys


def given(name):
    return os.environ["E2E_" + name]


def visit(url):
    """Sends the person to the authorization endpoint; returns the redirect behind their consent."""
    return asked("visit " + url)


def end_access():
    """Lets the person end the access on the page of connected apps."""
    asked("end access")


def report(step, take):
    """Says what came of a step, in the client's own words where it fails. Whether it went well."""
    try:
        said, went_well = take(), True
    except Exception as error:
        said, went_well = f"{type(error).__name__}: {error}", False
    print(f"{step}: {said}", flush=True)
    return went_well


def asked(request):
    print(request, flush=True)
    return sys.stdin.readline().strip()
