from django.apps import AppConfig
from django.contrib.admin import apps


class GatewayProjectConfig(AppConfig):
    name = "gateway_project"
    label = "gateway_project"
    default = True
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth import signals

        from gateway_project import second_factor, signing_in

        signals.user_logged_in.connect(signing_in.signed_in)
        signals.user_logged_in.connect(second_factor.signed_in)
        signals.user_logged_out.connect(signing_in.signed_out)
        signals.user_login_failed.connect(signing_in.failed)


class RoomConfig(apps.SimpleAdminConfig):
    """Django's admin with our own site, which finds its pages by itself."""

    default = False
    default_site = "gateway_project.site.Site"
