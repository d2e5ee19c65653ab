"""Names that callers may write, for whoever has to choose some."""

from __future__ import annotations

import json

from providers.models import Provider
from routing.models import Alias, Category, PublicModel


def callable_names() -> str:
    """Public models, their aliases, categories, and everything of a provider, as JSON for the browser."""
    names = [
        name
        for table in (PublicModel, Alias, Category)
        for name in table._default_manager.order_by("name").values_list("name", flat=True)
        if name != "*"
    ]
    providers = [f"{name}/*" for name in Provider.objects.filter(enabled=True).values_list("name", flat=True)]
    return json.dumps([*names, "router", *providers], ensure_ascii=False)
