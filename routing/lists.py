"""Ordered entries of public models and categories → routes, lists within lists kept as groups. ◇ no framework."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from routing.types import Candidate, Group, Route

Document = Mapping[str, Any]


class Lists:
    """``models``: the document's; ``endpoints``: their candidates by name."""

    def __init__(self, models: Document, endpoints: Mapping[str, Candidate]) -> None:
        self.models = models
        self.endpoints = endpoints

    def model_route(self, name: str, said: Document) -> Route:
        """The route of a public model."""
        return replace(
            self._route(name, said, "model"),
            type=said.get("type", "text-generation"),
            mid_stream=said.get("mid_stream", "error"),
        )

    def category_route(self, name: str, said: Document) -> Route:
        """The route of a category."""
        return replace(self._route(name, said, "category"), category=name)

    def _route(self, name: str, said: Document, how: str) -> Route:
        candidates = self._candidates(said, (name,) if how == "model" else ())
        if not said.get("enabled", True):
            candidates = {key: ruled_out(one, f"{how} {name} is disabled") for key, one in candidates.items()}
        return Route(
            requested=name,
            name=name,
            how=how,
            type="text-generation",
            strategy=said.get("strategy", "ordered"),
            candidates=tuple(candidates.values()),
            members=self._members(said, (name,) if how == "model" else ()),
        )

    def _members(self, said: Document, within: tuple[str, ...]) -> tuple[str | Group, ...]:
        members: list[str | Group] = []
        for entry in said.get("entries", ()):
            name = entry.get("model")
            if not entry.get("enabled", True):
                continue
            if name is None:
                members.append(entry["endpoint"])
            elif name not in within:
                inner = self.models[name]
                rank = (entry.get("priority", 0), entry.get("weight", 1))
                members.append(
                    Group(name, inner.get("strategy", "ordered"), self._members(inner, (*within, name)), *rank)
                )
        return tuple(members)

    def _candidates(self, said: Document, within: tuple[str, ...]) -> dict[str, Candidate]:
        """By endpoint: one that is reached twice counts where it can be used, else where it came first."""
        found: dict[str, Candidate] = {}
        for entry in said.get("entries", ()):
            for candidate in self._entry(entry, within):
                if not entry.get("enabled", True):
                    candidate = ruled_out(candidate, "its entry in the list is disabled")
                known = found.get(candidate.endpoint)
                if known is None or (known.reason_skipped is not None and candidate.reason_skipped is None):
                    found.pop(candidate.endpoint, None)
                    found[candidate.endpoint] = candidate
        return found

    def _entry(self, entry: Document, within: tuple[str, ...]) -> Iterator[Candidate]:
        if "endpoint" in entry:
            rank = {"priority": entry.get("priority", 0), "weight": entry.get("weight", 1)}
            yield replace(self.endpoints[entry["endpoint"]], **rank)
            return
        name = entry["model"]
        if name in within:
            return
        nested = self._candidates(self.models[name], (*within, name)).values()
        enabled = self.models[name].get("enabled", True)
        yield from nested if enabled else [ruled_out(one, f"model {name} is disabled") for one in nested]


def ruled_out(candidate: Candidate, reason: str) -> Candidate:
    """``candidate`` with a reason never to be tried, unless it has one already."""
    if candidate.reason_skipped is not None:
        return candidate
    return replace(candidate, reason_skipped=reason, skip_code="disabled")
