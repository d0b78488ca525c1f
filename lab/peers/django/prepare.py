"""Lays what the bench needs into the site's database.

`prepare.py world` makes the tables, the app and a person, and prints an access token by which an API may ask about tokens.
`prepare.py codes N` makes N authorization codes, as a person's consent would have made them, and prints them.
"""

import os
import secrets
import sys
from datetime import timedelta

import django
from django.core.management import call_command
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from oauth2_provider.models import AccessToken, Application, Grant  # noqa: E402


def world():
    call_command("migrate", verbosity=0)
    person = User.objects.create_user("person1", "person1@example.com")
    Application.objects.create(
        name="Lab",
        user=person,
        client_id=os.environ["CLIENT_ID"],
        client_secret=os.environ["CLIENT_SECRET"],
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=os.environ["REDIRECT_URI"],
        skip_authorization=True,
    )
    Application.objects.create(
        name="Lab itself",
        user=person,
        client_id=os.environ["CLIENT_ID"] + "-itself",
        client_secret=os.environ["CLIENT_SECRET"],
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )
    token = secrets.token_urlsafe(32)
    expires = timezone.now() + timedelta(hours=1)
    AccessToken.objects.create(user=person, token=token, scope="introspection", expires=expires)
    print(token)


def codes(n):
    person = User.objects.get(username="person1")
    app = Application.objects.get(client_id=os.environ["CLIENT_ID"])
    made = [
        Grant(
            user=person,
            code=secrets.token_urlsafe(22),
            application=app,
            expires=timezone.now() + timedelta(minutes=10),
            redirect_uri=os.environ["REDIRECT_URI"],
            scope="read",
            code_challenge=os.environ["CODE_CHALLENGE"],
            code_challenge_method="S256",
        )
        for _ in range(n)
    ]
    Grant.objects.bulk_create(made)
    print("\n".join(grant.code for grant in made))


match sys.argv[1:]:
    case ["world"]:
        world()
    case ["codes", n]:
        codes(int(n))
    case _:
        sys.exit(__doc__)
