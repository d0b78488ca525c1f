"""Signs the people of this site in at Hallpass."""
import os
import requests
from flask import Blueprint, abort, redirect, request, session, url_for
from people import current_person

HALLPASS = os.environ["HALLPASS_URL"]
SECRET = os.environ["HALLPASS_HANDOVER_SECRET"]
connect = Blueprint("connect", __name__)


@connect.get("/connect/sign-in")
def sign_in():
    person, signed_in_at = current_person(), session.get("signed_in_at", 0)
    if not person or signed_in_at < request.args.get("after", 0, int):
        return redirect(url_for("login", next=request.full_path), 303)
    answer = requests.post(f"{HALLPASS}/handover", timeout=10, headers={"Authorization": f"Bearer {SECRET}"}, json={
        "handover": request.args.get("handover", ""),
        **({"error": "access_denied"} if person.blocked else person.described(signed_in_at)),
    })
    address = answer.json().get("redirect_to", "")
    if not address.startswith(f"{HALLPASS}/"):
        abort(502, "Hallpass: " + answer.json().get("error_description", "HALLPASS_URL is not its address"))
    return redirect(address, 303), {"Cache-Control": "no-store"}
