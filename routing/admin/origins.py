"""Where a change came from, in words."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

ORIGINS = {
    "admin": gettext_lazy("the admin"),
    "api": gettext_lazy("the API"),
    "command": gettext_lazy("a command"),
    "environment": gettext_lazy("the environment"),
    "import": gettext_lazy("an import in the admin"),
    "installation": gettext_lazy("the installation"),
    "migration": gettext_lazy("a migration of this site"),
    "models": gettext_lazy("the program itself"),
    "outside": gettext_lazy("outside the gateway"),
    "rollback": gettext_lazy("a rollback"),
}


def in_words(origin: str) -> str:
    """``api:shop`` → the API, with the key “shop”; one that is not known as it stands."""
    if origin.startswith("api:"):
        return _("the API, with the key “%(key)s”") % {"key": origin.removeprefix("api:")}
    return str(ORIGINS.get(origin, origin))
