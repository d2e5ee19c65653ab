"""Who can be asked: providers, their keys and headers."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from providers.configuration import ConfigModel
from providers.kinds import KINDS
from providers.models.rules import (
    FORBIDDEN_HEADERS,
    HEADER_NAME,
    OWN_SECRETS,
    PROVIDER_NAME,
    WINDOW_BOUNDS,
    validate_http_url,
    validate_object,
    validate_string_map,
)
from providers.secrets import EncryptedTextField


def kind_choices() -> list[tuple[str, str]]:
    """A function, so that a new kind needs no migration."""
    return [(kind.name, kind.label) for kind in KINDS.values()]


class Provider(ConfigModel):
    """An account at a vendor, or a server: where requests go and how they are signed."""

    name = models.CharField(
        _("name"),
        max_length=63,
        unique=True,
        validators=[PROVIDER_NAME],
        help_text=_("What callers write before the slash and lists show, e.g. openai-eu for openai-eu/gpt-4o."),
    )
    kind = models.CharField(
        _("kind"),
        max_length=32,
        choices=kind_choices,
        help_text=_(
            "Which vendor or kind of server this is: it decides the wire format, e.g. Anthropic. For a server that "
            "only says it is compatible: OpenAI-compatible server."
        ),
    )
    base_url = models.CharField(
        _("base URL"),
        max_length=500,
        validators=[validate_http_url],
        help_text=_(
            "Where its API begins, e.g. https://api.openai.com/v1. Moving to another server asks for the keys again."
        ),
    )
    enabled = models.BooleanField(
        _("enabled"),
        default=True,
        help_text=_("Off: nothing is sent there, and the next endpoint is tried, e.g. during a vendor's outage."),
    )
    position = models.PositiveIntegerField(
        _("position"),
        default=0,
        help_text=_(
            "Lowest first where several providers offer the same bare name, e.g. 1. Drag the rows of the list."
        ),
    )
    keyless = models.BooleanField(
        _("works without a key"),
        default=False,
        help_text=_("Requests go out unsigned while it has no key, e.g. to Ollama or vLLM on this machine."),
    )
    auth_header = models.CharField(
        _("auth header"),
        max_length=100,
        blank=True,
        validators=[HEADER_NAME],
        help_text=_("Which header carries the key, e.g. X-Api-Key. Empty: what the kind uses, mostly Authorization."),
    )
    auth_scheme = models.CharField(
        _("auth scheme"),
        max_length=30,
        blank=True,
        help_text=_(
            "The word before the key, e.g. Token; “none”: the key alone. Empty: what the kind uses, mostly Bearer."
        ),
    )
    paths = models.JSONField(
        _("path overrides"),
        default=dict,
        blank=True,
        validators=[validate_string_map],
        help_text=_(
            'Where an operation is not at its usual path, by operation, e.g. {"chat": "/openai/chat/completions"}.'
        ),
    )
    extra_body = models.JSONField(
        _("extra body"),
        default=dict,
        blank=True,
        validators=[validate_object],
        help_text=_('Put into every request where the caller does not say it, e.g. {"store": false}.'),
    )
    proxy = EncryptedTextField(
        _("proxy"),
        blank=True,
        default="",
        help_text=_(
            "Requests go through it, e.g. http://proxy.internal:3128; “none”: straight there. Empty: what HTTP_PROXY, "
            "HTTPS_PROXY and NO_PROXY said when the gateway started."
        ),
    )
    ca_bundle = models.CharField(
        _("CA bundle"),
        max_length=500,
        blank=True,
        help_text=_(
            "File or folder of the certificates that are trusted, e.g. /etc/ssl/company.pem. Empty: the usual ones."
        ),
    )
    limit_requests = models.PositiveIntegerField(
        _("requests per window"),
        null=True,
        blank=True,
        help_text=_(
            "At most so many to all its endpoints together; beyond, others are tried, e.g. 600. Empty: no limit."
        ),
    )
    limit_tokens = models.PositiveIntegerField(
        _("tokens per window"),
        null=True,
        blank=True,
        help_text=_("At most so many, of prompts and answers, over all its endpoints, e.g. 1000000. Empty: no limit."),
    )
    limit_window = models.FloatField(
        _("window in seconds"),
        null=True,
        blank=True,
        validators=WINDOW_BOUNDS,
        help_text=_("The seconds that are looked back on at each request, e.g. 3600 for an hour. Empty: 60."),
    )
    description = models.TextField(
        _("description"),
        blank=True,
        help_text=_("For your colleagues, e.g. whose account it is and who pays. It is sent nowhere."),
    )

    class Meta:
        ordering: ClassVar = ["position", "name"]
        verbose_name = _("provider")
        verbose_name_plural = _("providers")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if not all(str(path).startswith("/") for path in self.paths.values()):
            raise ValidationError({"paths": _("Each path must begin with a slash: it is put behind the base URL.")})


class ProviderKey(ConfigModel):
    """One key of a provider: stored encrypted, or read from an environment variable. Tried in order of position."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="keys", verbose_name=_("provider"))
    label = models.CharField(
        _("label"),
        max_length=63,
        default="default",
        validators=[PROVIDER_NAME],
        help_text=_("What logs and lists call this key, e.g. team-a."),
    )
    position = models.PositiveIntegerField(
        _("position"),
        default=0,
        help_text=_("Lowest first, e.g. 0; the next is tried where one is rejected or limited."),
    )
    enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("Off: this key is not sent, e.g. while it is being replaced.")
    )
    secret = EncryptedTextField(
        _("key"),
        blank=True,
        default="",
        help_text=_("As the vendor shows it, e.g. sk-…; stored encrypted, never shown."),
    )
    env_var = models.CharField(
        _("environment variable"),
        max_length=100,
        blank=True,
        help_text=_("Instead of a stored key: the variable of the gateway that holds it, e.g. OPENAI_API_KEY."),
        validators=[RegexValidator(r"^[A-Za-z_][A-Za-z0-9_]*$", _("A variable name such as OPENAI_API_KEY."))],
    )

    class Meta:
        ordering: ClassVar = ["position", "label"]
        verbose_name = _("provider key")
        verbose_name_plural = _("provider keys")
        constraints: ClassVar = [models.UniqueConstraint(fields=["provider", "label"], name="provider_key_label")]

    def __str__(self) -> str:
        return f"{self.provider.name}/{self.label}"

    def clean(self) -> None:
        if self.env_var in OWN_SECRETS:
            raise ValidationError({"env_var": _("This variable is the gateway's own, and never sent.")})
        if self.secret and self.env_var:
            raise ValidationError({"env_var": _("Give the key itself or the variable that holds it, not both.")})


class ProviderHeader(ConfigModel):
    """A header sent to a provider with every request. Always stored encrypted; shown only if it is not secret."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="headers", verbose_name=_("provider"))
    name = models.CharField(
        _("name"), max_length=100, validators=[HEADER_NAME], help_text=_("The header's name, e.g. OpenAI-Organization.")
    )
    value = EncryptedTextField(
        _("value"), blank=True, default="", help_text=_("Sent as it is with every request, e.g. org-1234.")
    )
    secret = models.BooleanField(
        _("secret"),
        default=False,
        help_text=_("The value is never shown or exported again, e.g. for a tenant's token."),
    )

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("extra header")
        verbose_name_plural = _("extra headers")
        constraints: ClassVar = [models.UniqueConstraint(fields=["provider", "name"], name="provider_header_name")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if not self.name.isprintable():
            raise ValidationError({"name": HEADER_NAME.message})
        if self.name.lower() in FORBIDDEN_HEADERS:
            raise ValidationError({"name": _("This header is the gateway's own to set.")})
        if not self.value.isprintable() or not self.value.isascii():
            raise ValidationError({"value": _("Printable ASCII characters only.")})
