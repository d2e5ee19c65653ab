"""Who can be asked: providers, their keys and headers, what they offer, and what it costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from .configuration import ConfigModel
from .kinds import KINDS
from .secrets import EncryptedTextField

PROVIDER_NAME = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
    _("Letters, digits, dots, hyphens and underscores, without a slash: it is the prefix in “provider/model”."),
)
HEADER_NAME = RegexValidator(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", _("A header name as in RFC 9110, e.g. X-Title."))
FORBIDDEN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "content-type", "accept-encoding", "upgrade"}
)


WINDOW_BOUNDS = [MinValueValidator(0.05), MaxValueValidator(86400)]


class ModelType(models.TextChoices):
    """What a model does, in the Albert registry's words; it decides which endpoints of the API serve it."""

    TEXT_GENERATION = "text-generation", _("text generation")
    IMAGE_TEXT_TO_TEXT = "image-text-to-text", _("text generation from images and text")
    EMBEDDINGS = "text-embeddings-inference", _("embeddings")
    CLASSIFICATION = "text-classification", _("reranking")
    SPEECH_RECOGNITION = "automatic-speech-recognition", _("speech recognition")


def validate_http_url(value: str) -> None:
    """Absolute http(s) URL without credentials, query or fragment."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValidationError(_("Expected an absolute URL such as https://api.example.com/v1."))
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValidationError(_("Leave credentials, query and fragment out of the URL; keys have fields of their own."))
    try:
        _port = parts.port
    except ValueError as error:
        raise ValidationError(_("The port must be a number between 0 and 65535.")) from error


def validate_object(value: Any) -> None:
    """A JSON object."""
    if not isinstance(value, dict):
        raise ValidationError(_("Expected a JSON object such as {}."))


def validate_string_map(value: Any) -> None:
    """A JSON object of strings."""
    validate_object(value)
    if not all(isinstance(item, str) for item in value.values()):
        raise ValidationError(_("Every value must be a string."))


def validate_string_list(value: Any) -> None:
    """A JSON array of strings."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValidationError(_("Expected a JSON array of strings such as []."))


def kind_choices() -> list[tuple[str, str]]:
    """A function, so that a new kind needs no migration."""
    return [(kind.name, kind.label) for kind in KINDS.values()]


class Provider(ConfigModel):
    """An account at a vendor, or a server: where requests go and how they are signed."""

    name = models.CharField(_("name"), max_length=63, unique=True, validators=[PROVIDER_NAME])
    kind = models.CharField(
        _("kind"),
        max_length=32,
        choices=kind_choices,
        help_text=_("The wire format and the vendor's peculiarities. A plain compatible server: openai-compatible."),
    )
    base_url = models.CharField(
        _("base URL"),
        max_length=500,
        validators=[validate_http_url],
        help_text=_("e.g. https://api.openai.com/v1. Changing host or scheme asks for the keys again."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    position = models.PositiveIntegerField(
        _("position"), default=0, help_text=_("Lowest first where a bare model name is offered by several providers.")
    )
    keyless = models.BooleanField(
        _("works without a key"), default=False, help_text=_("For local servers such as Ollama or vLLM.")
    )
    auth_header = models.CharField(
        _("auth header"),
        max_length=100,
        blank=True,
        validators=[HEADER_NAME],
        help_text=_("Empty: what the kind uses (mostly Authorization)."),
    )
    auth_scheme = models.CharField(
        _("auth scheme"),
        max_length=30,
        blank=True,
        help_text=_("Word before the key. Empty: what the kind uses (mostly Bearer); “none”: the key alone."),
    )
    paths = models.JSONField(
        _("path overrides"),
        default=dict,
        blank=True,
        validators=[validate_string_map],
        help_text=_('By operation, e.g. {"chat": "/openai/chat/completions"}.'),
    )
    extra_body = models.JSONField(
        _("extra body"),
        default=dict,
        blank=True,
        validators=[validate_object],
        help_text=_('Sent with every request unless the caller says otherwise, e.g. {"store": false}.'),
    )
    proxy = EncryptedTextField(
        _("proxy"),
        blank=True,
        default="",
        help_text=_("e.g. http://proxy.internal:3128. Empty: HTTPS_PROXY of the environment; “none”: no proxy."),
    )
    ca_bundle = models.CharField(
        _("CA bundle"), max_length=500, blank=True, help_text=_("A file of trusted certificates. Empty: the default.")
    )
    limit_requests = models.PositiveIntegerField(
        _("requests per window"), null=True, blank=True, help_text=_("Over all its endpoints. Empty: no limit.")
    )
    limit_tokens = models.PositiveIntegerField(
        _("tokens per window"), null=True, blank=True, help_text=_("Over all its endpoints. Empty: no limit.")
    )
    limit_window = models.FloatField(
        _("window"), null=True, blank=True, validators=WINDOW_BOUNDS, help_text=_("Seconds. Empty: 60.")
    )
    description = models.TextField(_("description"), blank=True)

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
    label = models.CharField(_("label"), max_length=63, default="default", validators=[PROVIDER_NAME])
    position = models.PositiveIntegerField(_("position"), default=0)
    enabled = models.BooleanField(_("enabled"), default=True)
    secret = EncryptedTextField(_("key"), blank=True, default="")
    env_var = models.CharField(
        _("environment variable"),
        max_length=100,
        blank=True,
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
        if self.secret and self.env_var:
            raise ValidationError({"env_var": _("Give the key itself or the variable that holds it, not both.")})


class ProviderHeader(ConfigModel):
    """A header sent to a provider with every request. Always stored encrypted; shown only if it is not secret."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="headers", verbose_name=_("provider"))
    name = models.CharField(_("name"), max_length=100, validators=[HEADER_NAME])
    value = EncryptedTextField(_("value"), blank=True, default="")
    secret = models.BooleanField(_("secret"), default=False, help_text=_("Never shown or exported again."))

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("extra header")
        verbose_name_plural = _("extra headers")
        constraints: ClassVar = [models.UniqueConstraint(fields=["provider", "name"], name="provider_header_name")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.name.lower() in FORBIDDEN_HEADERS:
            raise ValidationError({"name": _("This header is the gateway's own to set.")})
        if not self.value.isprintable() or not self.value.isascii():
            raise ValidationError({"value": _("Printable ASCII characters only.")})


class ProviderModel(ConfigModel):
    """What a provider offers: the name callers write, the name that is sent, and what is known of it.

    ``known`` keeps the facts that the product's catalogue last wrote into this row, so that ``update_catalogue`` can
    tell them from an operator's own values.
    """

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="models", verbose_name=_("provider"))
    name = models.CharField(_("name"), max_length=200, help_text=_("What callers write after “provider/”."))
    upstream_name = models.CharField(
        _("upstream name"), max_length=200, blank=True, help_text=_("What is sent. Empty: the same as the name.")
    )
    type = models.CharField(_("type"), max_length=40, choices=ModelType.choices, default=ModelType.TEXT_GENERATION)
    enabled = models.BooleanField(_("enabled"), default=True)
    max_input_tokens = models.PositiveIntegerField(
        _("context window"), null=True, blank=True, help_text=_("In tokens. Empty: unknown.")
    )
    max_output_tokens = models.PositiveIntegerField(
        _("longest answer"), null=True, blank=True, help_text=_("In tokens. Empty: unknown.")
    )
    capabilities = models.JSONField(
        _("capabilities"),
        default=list,
        blank=True,
        validators=[validate_string_list],
        help_text=_('e.g. ["function_calling", "vision", "reasoning"].'),
    )
    known = models.JSONField(_("catalogue facts"), default=dict, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["provider__position", "provider__name", "name"]
        verbose_name = _("provider model")
        verbose_name_plural = _("provider models")
        constraints: ClassVar = [models.UniqueConstraint(fields=["provider", "name"], name="provider_model_name")]

    def __str__(self) -> str:
        return f"{self.provider.name}/{self.name}"


def _per_million(label: Any, **options: Any) -> Any:
    return models.DecimalField(
        label,
        max_digits=18,
        decimal_places=9,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        **options,
    )


class Price(ConfigModel):
    """What a provider model costs from a moment on, in a currency per million tokens. An empty figure is unknown."""

    model = models.ForeignKey(ProviderModel, models.CASCADE, related_name="prices", verbose_name=_("provider model"))
    valid_from = models.DateTimeField(
        _("valid from"), null=True, blank=True, help_text=_("Empty: since ever. The latest that has begun counts.")
    )
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    input = _per_million(_("input"))
    output = _per_million(_("output"))
    cached_input = _per_million(_("cached input"), help_text=_("Empty: as input."))
    cache_write = _per_million(_("cache write"), help_text=_("Empty: as input."))
    request = _per_million(_("per 1M requests"), help_text=_("Empty: nothing."))
    source = models.CharField(_("source"), max_length=100, blank=True, help_text=_("Where the figures come from."))

    class Meta:
        ordering: ClassVar = [models.F("valid_from").asc(nulls_first=True)]
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["model", "valid_from"], name="price_valid_from"),
            models.UniqueConstraint(
                fields=["model"], condition=models.Q(valid_from__isnull=True), name="price_without_date"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.input}/{self.output} {self.currency}"
