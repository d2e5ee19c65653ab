"""Endpoints: upstream places, with the timeouts, limits and circuit that each has for itself."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from providers.configuration import ConfigModel
from providers.models import Provider, validate_http_url

ROUTE_NAME = RegexValidator(
    r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,198}[^\s\x00-\x1f\x7f])?$",
    _("1 to 200 characters, no control characters, no space at either end."),
)


def _seconds(label: Any, help_text: Any) -> Any:
    return models.FloatField(
        label,
        null=True,
        blank=True,
        help_text=help_text,
        validators=[MinValueValidator(0.05), MaxValueValidator(86400)],
    )


class Endpoint(ConfigModel):
    """One upstream place: a provider's model at a base URL. It alone carries timeouts, limits, circuit, statistics."""

    name = models.CharField(
        _("name"),
        max_length=200,
        unique=True,
        validators=[ROUTE_NAME],
        help_text=_("What lists, logs and statistics call this place, e.g. gpt-4o-europe."),
    )
    provider = models.ForeignKey(
        Provider,
        models.CASCADE,
        related_name="endpoints",
        verbose_name=_("provider"),
        help_text=_("Whose address, keys and format are used, e.g. openai."),
    )
    upstream_model = models.CharField(
        _("upstream model"),
        max_length=200,
        help_text=_("The name that is sent, e.g. gpt-4o-2024-11-20. “*” sends the name the caller asked for."),
    )
    base_url = models.CharField(
        _("base URL"),
        max_length=500,
        blank=True,
        help_text=_("Only where it is not the provider's, e.g. https://eu.example.com/v1. Empty: the provider's."),
    )
    enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("Off: never tried; lists that name it pass it over.")
    )
    connect_timeout = _seconds(
        _("to connect"), _("Seconds until the server has taken the connection, e.g. 2. Empty: 5.")
    )
    headers_timeout = _seconds(
        _("to begin"),
        _(
            "Seconds until a streamed answer begins, and for the whole of an answer that is not streamed, e.g. 120. "
            "Empty: as long as the whole exchange may take."
        ),
    )
    first_content_timeout = _seconds(
        _("to the first word"),
        _(
            "Seconds until a stream's first word before the next endpoint is tried, e.g. 20. Empty: 60 for models that "
            "reason and for ollama, vllm and tei, which load models first; 10 for all others. The last endpoint "
            "that is left is waited for."
        ),
    )
    idle_timeout = _seconds(
        _("longest silence"), _("Seconds without a sign in the midst of a stream, e.g. 45. Empty: 30.")
    )
    total_timeout = _seconds(
        _("whole exchange"), _("Seconds from the request to the end of its answer, e.g. 900. Empty: 600.")
    )
    retries = models.PositiveSmallIntegerField(
        _("retries"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(10)],
        help_text=_(
            "How often a request is sent here again after a failure that may pass (a 500, a broken connection), before "
            "the next endpoint is tried, e.g. 2; 0: never. Empty: once."
        ),
    )
    limit_requests = models.PositiveIntegerField(
        _("requests"),
        null=True,
        blank=True,
        help_text=_("At most so many within the window, e.g. 60; then the next endpoint is tried. Empty: no limit."),
    )
    limit_tokens = models.PositiveIntegerField(
        _("tokens"),
        null=True,
        blank=True,
        help_text=_("At most so many, of prompts and answers, within the window, e.g. 200000. Empty: no limit."),
    )
    limit_window = _seconds(
        _("window"), _("The seconds that are looked back on at each request, e.g. 3600 for an hour. Empty: 60.")
    )
    circuit_failures = models.PositiveSmallIntegerField(
        _("failed requests in a row"),
        null=True,
        blank=True,
        help_text=_(
            "So many open the circuit: the endpoint is left alone for a while. A request counts once, whatever its "
            "retries; a success, or a minute without a failure, begins anew. e.g. 5. Empty: 3."
        ),
    )
    circuit_pause = _seconds(
        _("first pause"),
        _("Seconds an open circuit waits until one request may find out whether it is well again, e.g. 30. Empty: 10."),
    )
    circuit_pause_max = _seconds(
        _("longest pause"),
        _("Seconds; each failed attempt adds the first pause to the wait, up to this, e.g. 600. Empty: 300."),
    )

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "upstream_model", "base_url"], name="endpoint_identity")
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.base_url:
            try:
                validate_http_url(self.base_url)
            except ValidationError as error:
                raise ValidationError({"base_url": error.messages}) from error
