"""The names that operators read for what the configuration says in one word: strategies and types of models."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from providers.models import ModelType
from routing.strategies import STRATEGIES


class Words(NamedTuple):
    """``short`` for a cell of a table, ``long`` for whoever chooses."""

    short: Any
    long: Any


# ``long`` is the first line of the strategy's docstring, here for translators.
_STRATEGIES = {
    "ordered": Words(_("In order"), _("In the order of the list")),
    "priority": Words(_("Priority"), _("By priority, lowest first; equals in the order of the list")),
    "shuffle": Words(_("Shuffle"), _("At random, all alike")),
    "round_robin": Words(_("In turn"), _("In turn, request by request")),
    "weighted": Words(_("Weighted"), _("At random, in proportion to the weights; weight 0 only when no other is left")),
    "least_busy": Words(_("Least busy"), _("Fewest requests under way first; equals in turn")),
    "fastest": Words(
        _("Fastest"), _("Shortest wait for the first content first; those not measured lately before all")
    ),
    "cheapest": Words(_("Cheapest"), _("Lowest price for this request first; unknown prices last")),
    "affinity": Words(_("Affinity"), _("The same conversation at the same place, for the vendors' prompt caches")),
}
_TYPES = {
    ModelType.TEXT_GENERATION: _("Chat"),
    ModelType.IMAGE_TEXT_TO_TEXT: _("Chat with images"),
    ModelType.EMBEDDINGS: _("Embeddings"),
    ModelType.CLASSIFICATION: _("Reranking"),
    ModelType.SPEECH_RECOGNITION: _("Speech to text"),
}


def strategy_words(name: str) -> Words:
    """What a strategy is called; one without words here by its own name and docstring."""
    found = STRATEGIES.get(name)
    label = found.label if found is not None else name
    return _STRATEGIES.get(name, Words(name.replace("_", " ").capitalize(), label))


def strategy_choices() -> list[tuple[str, Any]]:
    """(name, short and long words) of all strategies. A function, so that a new one needs no migration."""
    return [(name, "{} – {}".format(*strategy_words(name))) for name in STRATEGIES]


def type_choices() -> list[tuple[str, Any]]:
    """(the API's word, the operators' word) of all types of models."""
    return [(str(name), _TYPES.get(ModelType(name), label)) for name, label in ModelType.choices]


def type_word(name: str) -> Any:
    """The operators' word for a type of models."""
    return dict(type_choices()).get(name, name)
