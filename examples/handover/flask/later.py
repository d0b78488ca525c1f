"""Tells Hallpass what happens to a person later, and shows the apps that they connected."""

import os
from urllib.parse import quote

import requests
from flask import Blueprint, abort, redirect, render_template, request, url_for

from people import PEOPLE, SHOPS, current_person, find

later = Blueprint("later", __name__)


def people_api(method, *path):
    """Calls /handover/people/…. None for somebody whom Hallpass does not know: they never connected an app."""
    path = "/".join(quote(str(part), safe="") for part in path)
    secret = os.environ["HALLPASS_HANDOVER_SECRET"]
    answer = requests.request(
        method, f"{os.environ['HALLPASS_URL']}/handover/people/{path}", timeout=10,
        headers={"Authorization": f"Bearer {secret}", "Accept-Language": request.headers.get("Accept-Language", "en")},
    )
    if answer.status_code == 404:
        return None
    answer.raise_for_status()
    return answer.json() if answer.content else None


@later.route("/connected-apps", methods=["GET", "POST"])
def connected_apps():
    person = current_person()
    if not person:
        return redirect(url_for("login", next=request.path), 303)
    if request.method == "POST":
        people_api("DELETE", person.id, "grants", request.form["end"])
        return redirect(request.path, 303)
    found = people_api("GET", person.id, "grants") or {"grants": []}
    return render_template("connected_apps.html", grants=found["grants"])


@later.route("/people", methods=["GET", "POST"])
def people():
    staff = current_person()
    if not staff or not staff.staff:
        abort(403)
    if request.method == "GET":
        return render_template("people.html", people=PEOPLE, shops=SHOPS)
    person = find(id=int(request.form["person"])) or abort(404)
    # Hallpass first: if the call fails, nothing has changed here, and the button can be pressed again.
    match request.form["do"].split():
        case ["suspend"]:
            people_api("POST", person.id, "suspend")
            person.blocked = True
        case ["resume"]:
            people_api("POST", person.id, "resume")
            person.blocked = False
        case ["delete"]:
            people_api("DELETE", person.id)
            PEOPLE.remove(person)
        case ["leave", shop]:
            people_api("DELETE", person.id, "organizations", shop)
            person.shops.pop(int(shop), None)
        case _:
            abort(400)
    return redirect(request.path, 303)
