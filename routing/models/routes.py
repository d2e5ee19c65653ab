"""The names that applications ask for, and the ordered lists behind them."""

from __future__ import annotations

from math import isfinite
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from providers.configuration import ConfigModel
from providers.models import MOST_TEXTS, ModelType, validate_object, validate_string_list
from routing import words

from .endpoints import ROUTE_NAME, Endpoint

RESERVED_NAMES = frozenset({"router", "auto"})


def strategy_choices() -> list[tuple[str, Any]]:
    """A function, so that a new strategy needs no migration."""
    return words.strategy_choices()


def type_choices() -> list[tuple[str, Any]]:
    """A function, so that another word for a type needs no migration."""
    return words.type_choices()


def validate_weights(value: Any) -> None:
    """A JSON object of finite numbers."""
    validate_object(value)
    if len(value) > MOST_TEXTS:
        raise ValidationError(_("At most 1000 weights."))
    for keyword, weight in value.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not isfinite(weight):
            raise ValidationError(_("The weight of “%(keyword)s” must be a number.") % {"keyword": keyword})


class PublicModel(ConfigModel):
    """A name that applications ask for, with a strategy over its ordered entries."""

    class MidStream(models.TextChoices):
        ERROR = "error", _("End it with an error")
        RESUME = "resume", _("Continue it elsewhere")

    name = models.CharField(
        _("name"),
        max_length=200,
        unique=True,
        validators=[ROUTE_NAME],
        help_text=_(
            "What callers write as “model”, e.g. fast-chat. “*” answers for every name that nothing else knows."
        ),
    )
    type = models.CharField(
        _("type"),
        max_length=40,
        choices=type_choices,
        default=ModelType.TEXT_GENERATION,
        help_text=_(
            "What it is asked for. The API's own words are text-generation, image-text-to-text, "
            "text-embeddings-inference, text-classification and automatic-speech-recognition."
        ),
    )
    strategy = models.CharField(
        _("strategy"),
        max_length=32,
        default="ordered",
        choices=strategy_choices,
        help_text=_("Which entry is tried first; the others follow when it fails, e.g. “In turn” to share the load."),
    )
    enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("Off: callers are told that there is no such model.")
    )
    mid_stream = models.CharField(
        _("when a stream breaks off"),
        max_length=10,
        choices=MidStream.choices,
        default=MidStream.ERROR,
        help_text=_(
            "After its beginning was sent: “End it with an error” tells the caller that the answer is not whole. "
            "“Continue it elsewhere” asks the next endpoint to go on from what was sent, and the caller sees one "
            "answer; where no endpoint can, it ends with the error all the same."
        ),
    )
    owned_by = models.CharField(
        _("owned by"), max_length=100, blank=True, help_text=_("Shown to callers in /v1/models, e.g. Platform team.")
    )
    description = models.TextField(
        _("description"),
        blank=True,
        help_text=_("For your colleagues, e.g. For the shop's chat. Callers never see it."),
    )

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

    name = models.CharField(
        _("name"),
        max_length=200,
        unique=True,
        validators=[ROUTE_NAME],
        help_text=_("Another name that callers may write, e.g. gpt-4o-latest."),
    )
    model = models.ForeignKey(
        PublicModel,
        models.CASCADE,
        related_name="aliases",
        verbose_name=_("public model"),
        help_text=_("What is meant by it, e.g. fast-chat."),
    )

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

    name = models.CharField(
        _("name"),
        max_length=200,
        unique=True,
        validators=[ROUTE_NAME],
        help_text=_(
            "What the request is about, e.g. code. Callers may ask for it by this name, or for “router” to have it "
            "found out. “conversation” takes what fits no other, “tools” every request with tools."
        ),
    )
    keywords = models.JSONField(
        _("keywords"),
        default=list,
        blank=True,
        validators=[validate_string_list],
        help_text=_("Words and phrases that speak for this category, e.g. stack trace."),
    )
    weights = models.JSONField(
        _("keyword weights"),
        default=dict,
        blank=True,
        validators=[validate_weights],
        help_text=_("Where a keyword counts more or less than 1, e.g. 2.5 for traceback."),
    )
    strategy = models.CharField(
        _("strategy"),
        max_length=32,
        default="ordered",
        choices=strategy_choices,
        help_text=_("Which entry is tried first; the others follow when it fails, e.g. “Cheapest” for long texts."),
    )
    enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("Off: no request is taken to be about it, and it cannot be asked for.")
    )
    description = models.TextField(
        _("description"), blank=True, help_text=_("For your colleagues, e.g. Questions of law. Callers never see it.")
    )

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
        Endpoint,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="entries",
        verbose_name=_("endpoint"),
        help_text=_("Where the request may go, e.g. gpt-4o-europe."),
    )
    model = models.ForeignKey(
        PublicModel,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="used_by",
        verbose_name=_("or a public model"),
        help_text=_("Instead of an endpoint: the whole list of another public model, e.g. fast-chat."),
    )
    position = models.PositiveIntegerField(
        _("position"), default=0, help_text=_("Its place in the list, e.g. 0 for the first.")
    )
    priority = models.IntegerField(
        _("priority"),
        default=0,
        help_text=_("Lowest first, e.g. 1 before 2. Only the strategy “Priority” looks at it."),
    )
    weight = models.PositiveIntegerField(
        _("weight"),
        default=1,
        help_text=_("Its share, e.g. 3 gets three times as much as 1. Only the strategy “Weighted” looks at it."),
    )
    enabled = models.BooleanField(_("enabled"), default=True, help_text=_("Off: this line is passed over."))

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
