"""What providers offer, and what it costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from providers.configuration import ConfigModel
from providers.models.accounts import Provider
from providers.models.rules import validate_string_list


class ModelType(models.TextChoices):
    """What a model does, in the Albert registry's words; it decides which endpoints of the API serve it."""

    TEXT_GENERATION = "text-generation", _("text generation")
    IMAGE_TEXT_TO_TEXT = "image-text-to-text", _("text generation from images and text")
    EMBEDDINGS = "text-embeddings-inference", _("embeddings")
    CLASSIFICATION = "text-classification", _("reranking")
    SPEECH_RECOGNITION = "automatic-speech-recognition", _("speech recognition")


class ProviderModel(ConfigModel):
    """What a provider offers: the name callers write, the name that is sent, and what is known of it.

    ``known`` keeps the facts that the product's catalogue last wrote into this row, so that ``update_catalogue`` can
    tell them from an operator's own values.
    """

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="models", verbose_name=_("provider"))
    name = models.CharField(
        _("name"), max_length=200, help_text=_("What callers write after “provider/”, e.g. gpt-4o.")
    )
    upstream_name = models.CharField(
        _("upstream name"),
        max_length=200,
        blank=True,
        help_text=_("What is sent instead, e.g. gpt-4o-2024-08-06. Empty: the name."),
    )
    type = models.CharField(
        _("type"),
        max_length=40,
        choices=ModelType.choices,
        default=ModelType.TEXT_GENERATION,
        help_text=_("What it does, e.g. embeddings: it decides which operations of the API it serves."),
    )
    enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("Off: nobody is sent to it, e.g. because the vendor retires it.")
    )
    max_input_tokens = models.PositiveIntegerField(
        _("context window"),
        null=True,
        blank=True,
        help_text=_("Tokens that fit into it; longer prompts go to a larger model, e.g. 128000. Empty: unknown."),
    )
    max_output_tokens = models.PositiveIntegerField(
        _("longest answer"),
        null=True,
        blank=True,
        help_text=_("Tokens that an answer may have at most, e.g. 16384. Empty: unknown."),
    )
    capabilities = models.JSONField(
        _("capabilities"),
        default=list,
        blank=True,
        validators=[validate_string_list],
        help_text=_('What it can do beside text, e.g. ["function_calling", "vision", "reasoning"].'),
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
        _("valid from"),
        null=True,
        blank=True,
        help_text=_("The latest that has begun counts, e.g. the day of a price change. Empty: since ever."),
    )
    currency = models.CharField(
        _("currency"), max_length=3, default="USD", help_text=_("Three letters, e.g. EUR; nothing is converted.")
    )
    input = _per_million(_("input"), help_text=_("For a million tokens of prompts, e.g. 2.5; 0: free. Empty: unknown."))
    output = _per_million(
        _("output"), help_text=_("For a million tokens of answers, e.g. 10; 0: free. Empty: unknown.")
    )
    cached_input = _per_million(
        _("cached input"), help_text=_("For prompts read from the vendor's cache, e.g. 1.25. Empty: as input.")
    )
    cache_write = _per_million(
        _("cache write"), help_text=_("For prompts put into the vendor's cache, e.g. 3.75. Empty: as input.")
    )
    request = _per_million(
        _("per 1M requests"), help_text=_("For a million requests, e.g. 2000 for rerankers. Empty: nothing.")
    )
    source = models.CharField(
        _("source"),
        max_length=100,
        blank=True,
        help_text=_("Where the figures come from, e.g. the vendor's price list."),
    )

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
