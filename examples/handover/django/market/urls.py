from django.urls import path
from django.views.generic import TemplateView

from market import connect, later, views

urlpatterns = [
    path("", TemplateView.as_view(template_name="market/home.html")),
    path("login", views.SignIn.as_view(), name="login"),
    path("logout", views.sign_out),
    path("connect/sign-in", connect.sign_in),
    path("connected-apps", later.connected_apps),
    path("people", later.people),
]
