"""A person without a browser: signs in and allows access by filling in the forms of the pages."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

MAX_PAGES = 8


def allow(authorization_url, redirect_uri, username, password):
    """Walks from the authorization URL to the redirect and returns the URL redirected to."""
    browser = requests.Session()
    answer = browser.get(authorization_url, allow_redirects=False)
    for _ in range(MAX_PAGES):
        if answer.is_redirect:
            target = urljoin(answer.url, answer.headers["Location"])
            if target.startswith(redirect_uri):
                return target
            answer = browser.get(target, allow_redirects=False)
            continue
        assert answer.status_code == 200, f"{answer.url} answered {answer.status_code}: {answer.text}"
        form = filled_in(answer.text, username, password)
        action = urljoin(answer.url, form["action"])
        answer = browser.post(action, data=form["fields"], allow_redirects=False)
        assert not answer.is_redirect or answer.status_code == 303, "POSTs answer 303"
    raise AssertionError(f"no redirect to {redirect_uri} after {MAX_PAGES} pages")


def filled_in(page, username, password):
    """The page's sign-in or consent form with what a person would type and press."""
    for form in Forms.of(page):
        fields = dict(form["fields"])
        if "password" in form["names"]:
            return {**form, "fields": {**fields, "username": username, "password": password}}
        if "decision" in form["names"]:
            return {**form, "fields": {**fields, "decision": "allow"}}
    raise AssertionError(f"neither a sign-in nor a consent form on the page:\n{page}")


class Forms(HTMLParser):
    """The forms of a page: where each goes, the names of its controls, and what it sends untouched."""

    @classmethod
    def of(cls, page):
        parser = cls()
        parser.feed(page)
        return parser.forms

    def __init__(self):
        super().__init__()
        self.forms = []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append({"action": attributes.get("action", ""), "names": set(), "fields": {}})
        elif tag in ("input", "button") and self.forms and "name" in attributes:
            form = self.forms[-1]
            form["names"].add(attributes["name"])
            if attributes.get("type") == "hidden":
                form["fields"][attributes["name"]] = attributes.get("value", "")
