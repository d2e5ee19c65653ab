"""A catalog of this test's own, and a small configuration to begin with."""

from __future__ import annotations

import pytest

from routing import catalog
from routing.config.apply import apply


@pytest.fixture(autouse=True)
def _fresh_catalog():
    catalog.forget()
    yield
    catalog.forget()


def document(**sections):
    """A document of two providers, two endpoints and a model; ``sections`` replace whole ones."""
    return {
        "version": 1,
        "providers": {
            "acme": {
                "kind": "openai-compatible",
                "base_url": "https://acme.example/v1",
                "keys": [{"label": "default", "stored": True}],
                "headers": [{"name": "X-Team", "secret": True}],
                "models": {"m-1": {"max_input_tokens": 8192, "prices": [{"input": "0.15", "output": "0.6"}]}},
            },
            "home": {"kind": "ollama", "base_url": "http://localhost:11434/v1", "keyless": True, "position": 5},
        },
        "endpoints": {
            "acme-1": {"provider": "acme", "upstream_model": "m-1"},
            "home-1": {"provider": "home", "upstream_model": "m-1", "total_timeout": 20.5},
        },
        "models": {"turbo": {"aliases": ["fast"], "entries": [{"endpoint": "acme-1"}, {"endpoint": "home-1"}]}},
        **sections,
    }


@pytest.fixture
def small(db):
    """``document()`` applied in an otherwise empty configuration, with a stored key and a secret header."""
    from providers.models import ProviderHeader, ProviderKey

    apply(document(), "ada", "test")
    key = ProviderKey.objects.get()
    key.secret = "sk-acme-very-secret"
    key.save()
    header = ProviderHeader.objects.get()
    header.value = "header-very-secret"
    header.save()
    return document()
