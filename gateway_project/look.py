"""How the admin looks: title, colours, and the menu in the product's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:  # the settings import this, and gunicorn's master the settings: no database before gevent has patched
    from django.http import HttpRequest

# heading → rows of (application label, model, icon[, title]) or (name of a page of ours, its title, icon); what its
# reader may not open is left out.
MENU: tuple[tuple[Any, tuple[tuple[Any, ...], ...]], ...] = (
    (
        _("Routing"),
        (
            ("routing", "publicmodel", "alt_route"),
            ("routing", "endpoint", "lan"),
            ("routing", "category", "category"),
            ("explain", _("Explain"), "help"),
            ("playground", _("Playground"), "chat"),
        ),
    ),
    (_("Providers"), (("providers", "provider", "cloud"), ("providers", "providermodel", "deployed_code"))),
    (_("Configuration"), (("import", _("Import"), "upload"), ("export", _("Export"), "download"))),
    (
        _("Access"),
        (
            ("routing", "apikey", "key"),
            ("auth", "user", "person"),
            ("auth", "group", "group"),
            ("admin", "logentry", "fact_check", _("Actions")),
        ),
    ),
    (
        _("Observe"),
        (
            ("metrics", "requestlog", "receipt_long"),
            ("metrics", "requestcontent", "chat"),
            ("metrics", "usagehour", "bar_chart"),
            ("routing", "circuitstate", "electric_bolt"),
            ("routing", "circuitevent", "timeline"),
            ("routing", "configrevision", "history"),
        ),
    ),
)

PRIMARY = {
    "50": "oklch(97% .014 254.604)",
    "100": "oklch(93.2% .032 255.585)",
    "200": "oklch(88.2% .059 254.128)",
    "300": "oklch(80.9% .105 251.813)",
    "400": "oklch(70.7% .165 254.624)",
    "500": "oklch(62.3% .214 259.815)",
    "600": "oklch(54.6% .245 262.881)",
    "700": "oklch(48.8% .243 264.376)",
    "800": "oklch(42.4% .199 265.638)",
    "900": "oklch(37.9% .146 265.522)",
    "950": "oklch(28.2% .091 267.935)",
}


def icon(request: HttpRequest) -> str:
    """The address of the product's icon."""
    from django.templatetags.static import static

    return static("gateway/icon.svg")


def style(request: HttpRequest) -> str:
    """The address of the style that our own pages share."""
    from django.templatetags.static import static

    return static("gateway/admin.css")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu for whoever asks: groups with title and items (title, icon, link)."""
    from django.urls import reverse

    first = {"title": _("Dashboard"), "icon": "space_dashboard", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = [{"items": [first]}]
    for heading, entries in MENU:
        items = [item for entry in entries if (item := _item(request, *entry)) is not None]
        if items:
            groups.append({"title": heading, "separator": True, "items": items})
    return groups


def _item(request: HttpRequest, label: str, name: Any, symbol: str, title: Any = None) -> dict[str, Any] | None:
    from django.apps import apps  # the settings import this module before there are apps
    from django.contrib import admin
    from django.urls import reverse

    from gateway_project import pages

    if label not in apps.app_configs:
        allowed = pages.allowed(request, label)
        return {"title": name, "icon": symbol, "link": reverse(f"admin:{label}")} if allowed else None
    model = apps.get_model(label, name)
    if not admin.site._registry[model].has_view_permission(request):
        return None
    title = title or capfirst(str(model._meta.verbose_name_plural))
    return {"title": title, "icon": symbol, "link": reverse(f"admin:{label}_{name}_changelist")}


def refusal(request: HttpRequest) -> list[str] | None:
    """A red label on every page while the newest generation of the configuration cannot be served."""
    from routing import catalog

    now = catalog.status()
    if now.error is None:
        return None
    label = _("Configuration refused, generation %(generation)d stays: %(error)s")
    return [label % {"generation": now.generation, "error": now.error[:100]}, "danger"]


UNFOLD = {
    "SITE_TITLE": "Switchyard",
    "SITE_HEADER": "Switchyard",
    "SITE_SUBHEADER": _("Gateway for language models"),
    "SITE_ICON": icon,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": icon}],
    "STYLES": [style],
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "SHOW_LANGUAGES": True,
    "ACCOUNT": {"navigation": [{"title": _("Your account"), "link": "/admin/account/"}]},
    "ENVIRONMENT": refusal,
    "COLORS": {"primary": PRIMARY},
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": navigation},
}
