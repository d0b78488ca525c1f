import logging
import time

import requests
from django.contrib.auth import logout
from django.contrib.auth.views import LoginView
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from market.later import people_api

log = logging.getLogger(__name__)


class SignIn(LoginView):
    template_name = "market/login.html"

    def form_valid(self, form):
        response = super().form_valid(form)
        # `last_login` of the person would be that of any browser.
        self.request.session["signed_in_at"] = int(time.time())
        return response


@require_http_methods(["GET", "POST"])
def sign_out(request):
    person = request.user
    if request.method == "GET" and person.is_authenticated:
        return render(request, "market/logout.html")
    logout(request)
    if person.is_authenticated:
        try:
            people_api("POST", person.pk, "sign-out")
        except requests.RequestException:
            log.exception("could not sign %s out at Hallpass", person.pk)
    return redirect("/")
