from django.apps import AppConfig
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
        drained.connect(observe)
