"""Endpoints, the names that applications ask for, and the ordered lists between them."""

from __future__ import annotations

from math import isfinite
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from providers.configuration import ConfigModel
from providers.models import ModelType, Provider, validate_http_url, validate_object, validate_string_list
from routing.strategies import STRATEGIES

RESERVED_NAMES = frozenset({"router", "auto"})
ROUTE_NAME = RegexValidator(
    r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,198}[^\s\x00-\x1f\x7f])?$",
    _("1 to 200 characters, no control characters, no space at either end."),
)


def strategy_choices() -> list[tuple[str, str]]:
    """A function, so that a new strategy needs no migration."""
    return [(strategy.name, strategy.label) for strategy in STRATEGIES.values()]


def validate_weights(value: Any) -> None:
    """A JSON object of finite numbers."""
    validate_object(value)
    for keyword, weight in value.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not isfinite(weight):
            raise ValidationError(_("The weight of “%(keyword)s” must be a number.") % {"keyword": keyword})


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

    name = models.CharField(_("name"), max_length=200, unique=True, validators=[ROUTE_NAME])
    provider = models.ForeignKey(Provider, models.CASCADE, related_name="endpoints", verbose_name=_("provider"))
    upstream_model = models.CharField(
        _("upstream model"),
        max_length=200,
        help_text=_("The name that is sent. “*” sends the name the caller asked for."),
    )
    base_url = models.CharField(
        _("base URL"),
        max_length=500,
        blank=True,
        help_text=_("Empty: the provider's own."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    connect_timeout = _seconds(_("connect timeout"), _("Seconds. Empty: 5."))
    first_content_timeout = _seconds(
        _("first content"),
        _("Seconds until a stream's first content while another candidate remains. Empty: 10 or 60."),
    )
    idle_timeout = _seconds(_("longest silence"), _("Seconds of silence within an answer. Empty: 30."))
    total_timeout = _seconds(_("total timeout"), _("Seconds for the whole exchange. Empty: 600."))
    retries = models.PositiveSmallIntegerField(
        _("retries"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(10)],
        help_text=_("Tries here again after a failure that may pass. Empty: 1."),
    )
    limit_requests = models.PositiveIntegerField(_("requests per window"), null=True, blank=True)
    limit_tokens = models.PositiveIntegerField(_("tokens per window"), null=True, blank=True)
    limit_window = _seconds(_("window"), _("Seconds of the sliding window. Empty: 60."))
    circuit_failures = models.PositiveSmallIntegerField(
        _("failures that open the circuit"), null=True, blank=True, help_text=_("Consecutive. Empty: 3.")
    )
    circuit_pause = _seconds(_("first pause"), _("Seconds an open circuit waits before its first probe. Empty: 10."))
    circuit_pause_max = _seconds(
        _("longest pause"), _("Seconds; each failed probe adds the first pause, up to this. Empty: 300.")
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


class PublicModel(ConfigModel):
    """A name that applications ask for, with a strategy over its ordered entries."""

    class MidStream(models.TextChoices):
        ERROR = "error", _("end with an error event")
        RESUME = "resume", _("continue at another endpoint")

    name = models.CharField(
        _("name"),
        max_length=200,
        unique=True,
        validators=[ROUTE_NAME],
        help_text=_("What callers write as “model”. “*” answers for every name that nothing else knows."),
    )
    type = models.CharField(_("type"), max_length=40, choices=ModelType.choices, default=ModelType.TEXT_GENERATION)
    strategy = models.CharField(
        _("strategy"),
        max_length=32,
        default="ordered",
        choices=strategy_choices,
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    mid_stream = models.CharField(
        _("cut streams"),
        max_length=10,
        choices=MidStream.choices,
        default=MidStream.ERROR,
        help_text=_("What happens when an answer breaks off after its beginning was sent."),
    )
    owned_by = models.CharField(_("owned by"), max_length=100, blank=True, help_text=_("Shown in /v1/models."))
    description = models.TextField(_("description"), blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("public model")
        verbose_name_plural = _("public models")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.name != "*":
            refuse_taken_name(self)


class Alias(ConfigModel):
    """Another name of a public model."""

    name = models.CharField(_("name"), max_length=200, unique=True, validators=[ROUTE_NAME])
    model = models.ForeignKey(PublicModel, models.CASCADE, related_name="aliases", verbose_name=_("public model"))

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("alias")
        verbose_name_plural = _("aliases")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        refuse_taken_name(self)


class Category(ConfigModel):
    """A named fallback chain, chosen by what the request is about."""

    name = models.CharField(_("name"), max_length=200, unique=True, validators=[ROUTE_NAME])
    keywords = models.JSONField(
        _("keywords"),
        default=list,
        blank=True,
        validators=[validate_string_list],
        help_text=_('Words and phrases that speak for this category, e.g. ["refactor", "stack trace"].'),
    )
    weights = models.JSONField(
        _("keyword weights"),
        default=dict,
        blank=True,
        validators=[validate_weights],
        help_text=_(
            'Where a keyword counts more or less than 1, e.g. {"refactor": 2, "file": 0.3}. Those below 1 are hints: '
            "they count only where they add up to 1."
        ),
    )
    strategy = models.CharField(
        _("strategy"),
        max_length=32,
        default="ordered",
        choices=strategy_choices,
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    description = models.TextField(_("description"), blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("category")
        verbose_name_plural = _("categories")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        refuse_taken_name(self)


class Entry(ConfigModel):
    """One line of a public model's or category's list: an endpoint or another public model."""

    owner_model = models.ForeignKey(
        PublicModel, models.CASCADE, null=True, blank=True, related_name="entries", verbose_name=_("public model")
    )
    owner_category = models.ForeignKey(
        Category, models.CASCADE, null=True, blank=True, related_name="entries", verbose_name=_("category")
    )
    endpoint = models.ForeignKey(
        Endpoint, models.CASCADE, null=True, blank=True, related_name="entries", verbose_name=_("endpoint")
    )
    model = models.ForeignKey(
        PublicModel, models.CASCADE, null=True, blank=True, related_name="used_by", verbose_name=_("other public model")
    )
    position = models.PositiveIntegerField(_("position"), default=0)
    priority = models.IntegerField(_("priority"), default=0, help_text=_("Lowest first, for the strategy “priority”."))
    weight = models.PositiveIntegerField(_("weight"), default=1, help_text=_("For the strategy “weighted”."))
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        ordering: ClassVar = ["position", "id"]
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="entry_one_owner",
                condition=models.Q(owner_model__isnull=False) ^ models.Q(owner_category__isnull=False),
            ),
            models.CheckConstraint(
                name="entry_one_target",
                condition=models.Q(endpoint__isnull=False) ^ models.Q(model__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.endpoint or self.model or "")

    def clean(self) -> None:
        if (self.endpoint_id is None) == (self.model_id is None):
            raise ValidationError(_("Choose an endpoint or another public model: exactly one of the two."))
        if self.model_id is not None and self.owner_model_id is not None:
            refuse_cycle(self.owner_model_id, self.model_id)


def refuse_taken_name(row: PublicModel | Alias | Category) -> None:
    """Public models, aliases and categories share one name space; some names are the router's own."""
    name = row.name
    if name in RESERVED_NAMES or name.startswith("router/") or name == "*":
        raise ValidationError({"name": _("“%(name)s” is reserved for the router itself.") % {"name": name}})
    for model in (PublicModel, Alias, Category):
        rows = model.objects.filter(name=name)
        if isinstance(row, model):
            rows = rows.exclude(pk=row.pk)
        if rows.exists():
            raise ValidationError(
                {
                    "name": _("“%(name)s” is already the name of a %(what)s.")
                    % {"name": name, "what": model._meta.verbose_name}
                }
            )


def refuse_cycle(owner: int, target: int) -> None:
    """A public model may not lead back to itself through its entries."""
    edges: dict[int, set[int]] = {}
    for source, sink in Entry.objects.filter(owner_model__isnull=False, model__isnull=False).values_list(
        "owner_model_id", "model_id"
    ):
        edges.setdefault(source, set()).add(sink)
    seen, todo = set(), [target]
    while todo:
        node = todo.pop()
        if node == owner:
            raise ValidationError({"model": _("This entry would lead back to the model itself.")})
        if node not in seen:
            seen.add(node)
            todo.extend(edges.get(node, ()))
