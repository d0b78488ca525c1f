"""A market's site with people, passwords and sessions of its own."""

import os
import re
import time

import requests
from flask import Flask, redirect, render_template, request, session
from flask_wtf.csrf import CSRFProtect
from werkzeug.security import check_password_hash

from connect import connect
from later import later, people_api
from people import current_person, find

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.environ["SITE_SECRET"],
    SESSION_COOKIE_NAME="flask_session",
    # "Strict" would hide the session from a request that another site caused, and so from the one that an app caused.
    SESSION_COOKIE_SAMESITE="Lax",
    SESSION_COOKIE_SECURE="SITE_HTTPS" in os.environ,
)
CSRFProtect(app)
app.register_blueprint(connect)
app.register_blueprint(later)
app.context_processor(lambda: {"person": current_person()})


@app.get("/")
def home():
    return render_template("home.html")


@app.route("/login", methods=["GET", "POST"])
def login():
    username = request.form.get("username", "")
    if request.method == "POST":
        person = find(username=username)
        if person and check_password_hash(person.password, request.form.get("password", "")):
            session.clear()
            session.update(person=person.id, signed_in_at=int(time.time()))
            return redirect(own_path(request.args.get("next", "/")), 303)
    wrong = request.method == "POST"
    return render_template("login.html", username=username, wrong=wrong), 401 if wrong else 200


def own_path(address):
    """The address, if it is a path of this site."""
    return address if re.fullmatch(r"/(?![/\\])[!-~]*", address) else "/"


@app.route("/logout", methods=["GET", "POST"])
def logout():
    person = current_person()
    if request.method == "GET" and person:
        return render_template("logout.html")
    session.clear()
    if person:
        try:
            people_api("POST", person.id, "sign-out")
        except requests.RequestException:
            app.logger.exception("could not sign %s out at Hallpass", person.id)
    return redirect("/", 303)
