from typing import Any

from django.apps import AppConfig
from django.db import transaction
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy as _


class RoutingConfig(AppConfig):
    name = "routing"
    verbose_name = _("Routing")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from metrics.signals import drained
        from providers.configuration import register_opener
        from routing.config.revisions import join_or_open
        from routing.observe import observe

        register_opener(join_or_open)
        post_save.connect(lift_rest_of_key, sender="providers.ProviderKey")
        drained.connect(observe)


def lift_rest_of_key(instance: Any, **signal: Any) -> None:
    """A provider's key that was rejected rests until it is edited (or ten minutes have passed)."""
    from routing.state import STATE

    transaction.on_commit(lambda: STATE.lift(f"{instance.provider.name}/{instance.label}"))
