"""LiteLLM's model groups, aliases and fallbacks → public models.

A group is a public model over its deployments. One with fallbacks is tried in order: its own deployments, then those of
its fallbacks, then those of theirs, each once. So that fallbacks may lead back to where they came from, as LiteLLM lets
them, lists name deployments and never a model that falls back itself: several deployments of such a one are a public
model of their own, ``NAME/deployments``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from providers.models import ModelType
from routing.config.amend import Draft
from routing.config.document import shown
from routing.config.importers.fields import Fields
from routing.config.importers.litellm_deployments import Deployment
from routing.config.importers.publishing import publish

STRATEGIES = {
    "simple-shuffle": "shuffle",
    "least-busy": "least_busy",
    "latency-based-routing": "fastest",
    "cost-based-routing": "cheapest",
    "usage-based-routing": "least_busy",
    "usage-based-routing-v2": "least_busy",
}
FINEST_WEIGHT = 1000
HEAVIEST = 1_000_000
LAST = 1_000_000
DEFAULT = "*"
CONTEXT_FALLBACKS = "context_window_fallbacks"
USUAL_TYPE = str(ModelType.TEXT_GENERATION)


@dataclass(slots=True)
class Fallbacks:
    """``of``: by group, in order; ``where``: its path. Those for a longer context window come after the others."""

    of: dict[str, list[str]] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)

    def read(self, section: Fields) -> None:
        """The fallbacks of ``router_settings`` or ``litellm_settings``."""
        for key in ("fallbacks", CONTEXT_FALLBACKS):
            for row in section.rows(key):
                for name in map(str, row.said):
                    others, path = row.texts(name), row.at(name)
                    self._add(name, others, path)
                    if key == CONTEXT_FALLBACKS and others:
                        what = f"these are tried after any other failure, too: {name} now falls to {', '.join(others)}"
                        section.draft.note(path, f"{what} on any failure")
        self._add(DEFAULT, section.texts("default_fallbacks"), section.at("default_fallbacks"))

    def _add(self, name: str, others: Sequence[str], where: str) -> None:
        known = self.of.setdefault(name, [])
        known.extend(other for other in others if other not in known)
        self.where.setdefault(name, where)

    def named(self, name: str) -> list[str]:
        """Those of ``name``, else those for every group that has none."""
        return self.of.get(name) or self.of.get(DEFAULT, [])


class Groups:
    """``add`` every row, ``alias``, then ``write``."""

    def __init__(self, draft: Draft, strategy: str, path: str) -> None:
        self.draft = draft
        self.strategy = STRATEGIES.get(strategy or "simple-shuffle", "shuffle")
        if strategy and strategy not in STRATEGIES:
            draft.complain(path, f"unknown: {shown(strategy)}; known: {', '.join(STRATEGIES)}")
        if strategy.startswith("usage-based"):
            draft.note(
                path, "the nearest here is least_busy: requests under way, not tokens of this minute; limits count"
            )
        self.members: dict[str, list[Deployment]] = {}
        self.paths: dict[str, str] = {}
        self.aliases: dict[str, tuple[str, str]] = {}

    def add(self, name: str, path: str, found: Deployment | None) -> None:
        """A row of ``model_list``; ``found`` None: it was left out."""
        group = self.members.setdefault(name, [])
        self.paths.setdefault(name, path)
        if found is not None and all(found.endpoint != known.endpoint for known in group):
            group.append(found)

    def alias(self, router: Fields) -> None:
        """``model_group_alias``: name → group, or ``{model, hidden}``."""
        aliases = router.inner("model_group_alias")
        for name in map(str, aliases.said):
            said = aliases.said[name]
            model = aliases.inner(name).text("model") if isinstance(said, dict) else aliases.text(name)
            if model and model not in self.members:
                self.draft.note(aliases.at(name), f"there is no group {shown(model)} in model_list, left out")
            elif name in self.members:
                self.draft.note(
                    aliases.at(name), "is a group of model_list itself, which answers; the alias is left out"
                )
            elif model:
                self.aliases[name] = (model, aliases.at(name))

    def write(self, fallbacks: Fallbacks) -> None:
        """The public models."""
        for name in fallbacks.of:
            if name not in self.members and name != DEFAULT:
                self.draft.note(fallbacks.where[name], "is no group of model_list, left out")
        chains = {name: self._chain(name, fallbacks) for name in self.members}
        for name, deployments in self.members.items():
            own = self._row(name, deployments)
            entries = own.pop("entries")
            if any(chains[name]):
                entries = [*self._own(name, True), *self._others(name, chains)]
                if not deployments and entries:
                    own |= self._instead(name, chains[name])
                if len(deployments) > 1:
                    inner = {**own, "entries": self._entries(deployments)}
                    publish(self.draft, _inner(name), inner, self.paths[name])
                own.pop("strategy", None)
            aliases = sorted(alias for alias, (model, _path) in self.aliases.items() if model == name)
            for index, alias in enumerate(aliases):
                self.draft.came_from(f"models/{name}/aliases/{index}", self.aliases[alias][1])
            if entries:
                row = {**own, **({"aliases": aliases} if aliases else {}), "entries": entries}
                publish(self.draft, name, row, self.paths[name])
            else:
                self.draft.note(self.paths[name], "no deployment of this group is left: there is no such model here")

    def _chain(self, name: str, fallbacks: Fallbacks) -> list[str]:
        """Whom a group falls back to, depth first, each once and never itself."""
        found, wanted = list[str](), self._type(name)
        todo = list(reversed(fallbacks.named(name)))
        while todo:
            other = self.aliases.get(other := todo.pop(), (other, ""))[0]
            if other == name or other in found:
                continue
            if other not in self.members and other not in self.draft.section("models"):
                self.draft.note(fallbacks.where.get(name, fallbacks.where.get(DEFAULT, "")),
                                f"there is no model {shown(other)}, left out")  # fmt: skip
                continue
            offered = self._type(other)
            wanted = wanted or offered
            if offered and offered != wanted:
                self.draft.note(fallbacks.where.get(name, fallbacks.where.get(DEFAULT, "")),
                                f"{other} is of type {offered} and answers for no {wanted}: "
                                f"no fallback of {name}")  # fmt: skip
                continue
            found.append(other)
            todo.extend(reversed(fallbacks.named(other)))
        return found

    def _type(self, name: str) -> str:
        """The type of a group, or of a model that is here; "" of a group without deployments."""
        if name not in self.members:
            return str(self.draft.section("models").get(name, {}).get("type", USUAL_TYPE))
        deployments = self.members[name]
        return next((one.type for one in deployments if one.type), USUAL_TYPE) if deployments else ""

    def _instead(self, name: str, chain: Sequence[str]) -> dict[str, Any]:
        """The type of a group that only its fallbacks answer."""
        answering = [other for other in chain if self._type(other)]
        self.draft.note(self.paths[name], f"{name} has no deployment here: answered by {', '.join(answering)}")
        found = self._type(answering[0])
        return {"type": found} if found != USUAL_TYPE else {}

    def _others(self, name: str, chains: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
        for other in chains[name]:
            if other in self.members:
                yield from self._own(other, any(chains[other]))
            else:
                yield {"model": other}

    def _own(self, name: str, falls_back: bool) -> list[dict[str, Any]]:
        """A group's own deployments as an entry of another list."""
        deployments = self.members[name]
        if len(deployments) < 2:
            return [{"endpoint": one.endpoint} for one in deployments]
        return [{"model": _inner(name) if falls_back else name}]

    def _row(self, name: str, deployments: Sequence[Deployment]) -> dict[str, Any]:
        """A public model over deployments: type, strategy, entries."""
        types = [one.type for one in deployments if one.type]
        row: dict[str, Any] = {"type": types[0]} if types and types[0] != "text-generation" else {}
        if len(set(types)) > 1:
            self.draft.note(self.paths[name], f"its deployments are of several types; taken as {types[0]}")
        if len(deployments) > 1:
            row["strategy"] = self._strategy(deployments)
        return row | {"entries": self._entries(deployments)}

    def _strategy(self, deployments: Sequence[Deployment]) -> str:
        if any(one.order is not None for one in deployments):
            return "priority"
        return "weighted" if self.strategy == "shuffle" and _weights(deployments) else self.strategy

    def _entries(self, deployments: Sequence[Deployment]) -> list[dict[str, Any]]:
        strategy = self._strategy(deployments) if len(deployments) > 1 else ""
        weights = _weights(deployments) if strategy == "weighted" else []
        entries: list[dict[str, Any]] = [{"endpoint": one.endpoint} for one in deployments]
        for index, one in enumerate(deployments):
            if strategy == "priority":
                entries[index]["priority"] = LAST if one.order is None else one.order
            if weights and weights[index] != 1:
                entries[index]["weight"] = weights[index]
        return entries


def _inner(name: str) -> str:
    return f"{name}/deployments"


def _weights(deployments: Sequence[Deployment]) -> list[int]:
    """By ``weight``, else by ``rpm``, else by ``tpm``, in whole numbers; empty where none is said."""
    for said in (
        [one.weight for one in deployments],
        [one.rpm for one in deployments],
        [one.tpm for one in deployments],
    ):
        if any(weight is not None for weight in said):
            numbers = [Decimal(0) if weight is None else Decimal(weight) for weight in said]
            scale = 1 if all(number == number.to_integral_value() for number in numbers) else FINEST_WEIGHT
            return [min(round(number * scale), HEAVIEST) for number in numbers]
    return []
