from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RoutingConfig(AppConfig):
    name = "routing"
    verbose_name = _("Routing")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from metrics.signals import drained
        from providers import standing
        from providers.configuration import register_history, register_opener
        from routing.config.revisions import join_or_open
        from routing.config.site_migrations import after_migrate
        from routing.observe import observe
        from routing.standing import Source

        register_opener(join_or_open)
        register_history("routing.admin.watching")
        standing.register(Source())
        drained.connect(observe)
        post_migrate.connect(after_migrate, sender=self)
