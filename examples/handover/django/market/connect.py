"""Signs the people of this site in at Hallpass."""
import requests
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import SuspiciousOperation
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache


@never_cache
def sign_in(request):
    person, signed_in_at = request.user, request.session.get("signed_in_at", 0)
    after = request.GET.get("after", "")
    if not person.is_authenticated or signed_in_at < int(after if after.isdecimal() else 0):
        return redirect_to_login(request.get_full_path())
    authorization = {"Authorization": f"Bearer {settings.HALLPASS_HANDOVER_SECRET}"}
    answer = requests.post(f"{settings.HALLPASS_URL}/handover", timeout=10, headers=authorization, json={
        "handover": request.GET.get("handover", ""),
        **({"error": "access_denied"} if person.blocked else person.described(signed_in_at)),
    })
    address = answer.json().get("redirect_to", "")
    if not address.startswith(f"{settings.HALLPASS_URL}/"):
        why = answer.json().get("error_description", "HALLPASS_URL is not its address")
        raise SuspiciousOperation(f"Hallpass: {why}")
    return redirect(address)
