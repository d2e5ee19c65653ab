"""How the admin looks: title, colours, and the menu in the product's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:  # the settings import this, and gunicorn's master the settings: no database before gevent has patched
    from django.http import HttpRequest

# heading → (application label, model, icon); a model without a page, or one its reader may not see, is left out.
MENU: tuple[tuple[Any, tuple[tuple[str, str, str], ...]], ...] = (
    (
        _("Routing"),
        (
            ("routing", "publicmodel", "alt_route"),
            ("routing", "endpoint", "lan"),
            ("routing", "category", "category"),
        ),
    ),
    (_("Providers"), (("providers", "provider", "cloud"), ("providers", "providermodel", "deployed_code"))),
    (_("Access"), (("routing", "apikey", "key"), ("auth", "user", "person"), ("auth", "group", "group"))),
    (
        _("Observe"),
        (
            ("metrics", "requestlog", "receipt_long"),
            ("metrics", "attemptlog", "repeat"),
            ("metrics", "usagehour", "bar_chart"),
            ("routing", "endpointstats", "speed"),
            ("routing", "circuitstate", "electric_bolt"),
            ("routing", "circuitevent", "timeline"),
            ("routing", "keystate", "vpn_key_alert"),
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


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu for whoever asks: groups with title and items (title, icon, link)."""
    from django.apps import apps  # the settings import this module before there are apps
    from django.contrib import admin
    from django.urls import reverse

    groups = []
    for heading, entries in MENU:
        items = []
        for label, name, symbol in entries:
            model = apps.get_model(label, name)
            page = admin.site._registry.get(model)
            if page is not None and page.has_view_permission(request):
                link = reverse(f"admin:{label}_{name}_changelist")
                title = str(model._meta.verbose_name_plural).capitalize()
                items.append({"title": title.replace("Api ", "API "), "icon": symbol, "link": link})
        if items:
            groups.append({"title": heading, "separator": True, "items": items})
    return groups


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
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "ENVIRONMENT": refusal,
    "COLORS": {"primary": PRIMARY},
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": navigation},
}
