"""An operator who is signed in, and rows to look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from providers.configuration import one_change
from providers.models import Provider, ProviderHeader, ProviderKey
from routing import catalog
from routing.models import Endpoint, Entry, PublicModel

admin.autodiscover()  # tests ask the site which pages there are, before any address of it is loaded

SECRET = "sk-live-0123456789abcdefghijklmnopqrstuvwxyz-WXYZ"
HEADER_SECRET = "tenant-token-98765432109876543210987654321"
PROXY_PASSWORD = "proxy-pass-4711"


@pytest.fixture(autouse=True)
def _fresh_catalog() -> Iterator[None]:
    """Nothing is served that an earlier test wrote and took back."""
    catalog.forget()
    yield
    catalog.forget()


@pytest.fixture
def operator(db) -> User:
    return User.objects.create_superuser("olga", password="pw")


@pytest.fixture
def page(operator) -> Client:
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture
def acme(db) -> Provider:
    """A provider with a stored key, a secret header and a proxy with a password."""
    provider = Provider(
        name="acme",
        kind="openai-compatible",
        base_url="https://api.acme.example/v1",
        proxy=f"http://user:{PROXY_PASSWORD}@proxy.acme.example:3128",
    )
    with one_change("test", "test"):
        provider.save()
        ProviderKey(provider=provider, label="main", secret=SECRET).save()
        ProviderHeader(provider=provider, name="X-Tenant", value=HEADER_SECRET, secret=True).save()
    return provider


@pytest.fixture
def turbo(acme) -> PublicModel:
    """A public model with two endpoints of ``acme`` in order."""
    model = PublicModel(name="turbo")
    with one_change("test", "test"):
        model.save()
        for position, name in enumerate(("first", "second")):
            endpoint = Endpoint(name=name, provider=acme, upstream_model=name)
            endpoint.save()
            Entry(owner_model=model, endpoint=endpoint, position=position).save()
    return model
