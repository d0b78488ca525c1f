import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ["SITE_SECRET"]
ALLOWED_HOSTS = os.environ.get("SITE_HOSTS", "localhost 127.0.0.1").split()
ROOT_URLCONF = "market.urls"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "market",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SITE_DATABASE", FOLDER / "market.sqlite3"),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

AUTH_USER_MODEL = "market.Person"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"

# "Strict" would hide the session from a request that another site caused, and so from the one that an app caused.
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = "SITE_HTTPS" in os.environ

HALLPASS_URL = os.environ["HALLPASS_URL"]
HALLPASS_HANDOVER_SECRET = os.environ["HALLPASS_HANDOVER_SECRET"]
