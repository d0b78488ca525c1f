"""Tells Hallpass what happens to a person later, and shows the apps that they connected."""

from urllib.parse import quote

import requests
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from market.models import Person


def people_api(method, *path, language="en"):
    """Calls /handover/people/…. None for somebody whom Hallpass does not know: they never connected an app."""
    path = "/".join(quote(str(part), safe="") for part in path)
    answer = requests.request(
        method, f"{settings.HALLPASS_URL}/handover/people/{path}", timeout=10,
        headers={"Authorization": f"Bearer {settings.HALLPASS_HANDOVER_SECRET}", "Accept-Language": language},
    )
    if answer.status_code == 404:
        return None
    answer.raise_for_status()
    return answer.json() if answer.content else None


@login_required
@require_http_methods(["GET", "POST"])
def connected_apps(request):
    if request.method == "POST":
        people_api("DELETE", request.user.pk, "grants", request.POST["end"])
        return redirect(request.path)
    language = request.headers.get("Accept-Language", "en")
    found = people_api("GET", request.user.pk, "grants", language=language) or {"grants": []}
    return render(request, "market/connected_apps.html", found)


@login_required
@require_http_methods(["GET", "POST"])
def people(request):
    if not request.user.is_staff:
        raise PermissionDenied
    if request.method == "GET":
        everybody = Person.objects.prefetch_related("work__shop").order_by("pk")
        return render(request, "market/people.html", {"people": everybody})
    person = get_object_or_404(Person, pk=request.POST["person"])
    # Hallpass first: if the call fails, nothing has changed here, and the button can be pressed again.
    match request.POST["do"].split():
        case ["suspend" | "resume" as word]:
            people_api("POST", person.pk, word)
            person.blocked = word == "suspend"
            person.save(update_fields=["blocked"])
        case ["delete"]:
            people_api("DELETE", person.pk)
            person.delete()
        case ["leave", shop]:
            people_api("DELETE", person.pk, "organizations", shop)
            person.work.filter(shop=shop).delete()
        case _:
            raise BadRequest
    return redirect(request.path)
