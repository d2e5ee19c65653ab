"""``manage.py explain_route``: what would happen to a request, without sending anything."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway_project.api.dialects.base import InvalidRequest
from gateway_project.api.errors import ApiError
from gateway_project.api.explaining import explained
from routing import catalog
from routing.resolve import NotFound
from routing.state import STATE
from routing.types import Catalog, Grant

MOST_MATCHES = 8


class Command(BaseCommand):
    help = "Tells who would answer a request, in which order, who would not, and why. Nothing is sent."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", nargs="?", help="a name as callers write it")
        parser.add_argument("--prompt", default="Hello", help="what the user says")
        parser.add_argument("--tools", action="store_true", help="as if the request had tools")
        parser.add_argument("--max-tokens", type=int, metavar="N", help="the longest answer asked for")
        parser.add_argument("--provider", help="the caller's choice of a provider or kind")
        parser.add_argument("--key", metavar="NAME", help="as the caller with this API key")
        parser.add_argument("--body", type=Path, metavar="FILE", help="a whole request as JSON, instead of the above")
        parser.add_argument("--json", action="store_true", help="the account as JSON")

    def handle(self, **options: Any) -> None:
        served = catalog.current()
        STATE.poll()
        try:
            told = explained(_body(options), served, _grant(served, options["key"]))
        except (InvalidRequest, NotFound, ApiError) as error:
            raise CommandError(str(getattr(error, "message", error))) from error
        self.stdout.write(
            json.dumps(told, ensure_ascii=False, indent=2) if options["json"] else "\n".join(_lines(told))
        )


def _body(options: dict[str, Any]) -> Any:
    if options["body"] is not None:
        try:
            return json.loads(options["body"].read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CommandError(f"{options['body']}: {error}") from error
    if not options["model"]:
        raise CommandError("Name a model, or give a whole request with --body.")
    body: dict[str, Any] = {"model": options["model"], "messages": [{"role": "user", "content": options["prompt"]}]}
    if options["tools"]:
        body["tools"] = [{"type": "function", "function": {"name": "example", "parameters": {"type": "object"}}}]
    if options["max_tokens"] is not None:
        body["max_tokens"] = options["max_tokens"]
    if options["provider"]:
        body["provider"] = options["provider"]
    return body


def _grant(served: Catalog, name: str | None) -> Grant | None:
    if name is None:
        return None
    for grant in served.grants.values():
        if grant.name == name:
            if not grant.enabled:
                raise CommandError(f"The API key '{name}' is revoked: its requests are refused.")
            return grant
    names = ", ".join(sorted(grant.name for grant in served.grants.values()))
    raise CommandError(f"There is no API key named '{name}'; there are: {names}.")


def _lines(told: dict[str, Any]) -> list[str]:
    found, needs = told["resolution"], told["needs"]
    lines = [
        f"{found['requested']}: {found['in_words']}",
        *(f"  {line}" for line in _classified(found["classification"])),
        f"  asked: {needs['operation']}, about {needs['prompt_tokens']:,} tokens in, "
        f"at most {needs['answer_tokens']:,} out; configuration {told['generation']}",
        f"  order: {found['order'][0].lower()}{found['order'][1:]}",
    ]
    if told["api_key"] is not None:
        limits = _limits(told["api_key"]["limits"]) or ["no limits of its own"]
        lines.append(f"  API key {told['api_key']['name']}: {'; '.join(limits)}")
        if told["api_key"]["refused_for"] is not None:
            lines.append(f"  its limit is used up: a 429 for {told['api_key']['refused_for']:.1f} s more. After that:")
    lines += ["", "Would be tried, in this order:" if told["candidates"] else "Nobody would be tried."]
    for candidate in told["candidates"]:
        place, endpoint = candidate["position"], candidate["endpoint"]
        lines.append(f"  {place:>2}. {endpoint}  ({candidate['kind']}, {candidate['upstream_model']})")
        lines.extend(f"        {note}" for note in _notes(candidate))
    if told["skipped"]:
        lines += ["", "Would be left out:"]
        lines.extend(f"   -  {skip['endpoint']}: {skip['reason']} [{skip['code']}]" for skip in told["skipped"])
    return lines


def _classified(found: dict[str, Any] | None) -> list[str]:
    """Why the router chose its category."""
    if found is None:
        return []
    words = ", ".join(
        f"'{match['keyword']}' ({match['category']}, {match['weight']:g})" for match in found["matches"][:MOST_MATCHES]
    )
    more = len(found["matches"]) - MOST_MATCHES
    return [f"because: {found['why']}"] + (
        [f"words: {words}{f' and {more} more' if more > 0 else ''}"] if words else []
    )


def _notes(candidate: dict[str, Any]) -> list[str]:
    price = candidate["price"]
    notes = ["price unknown"]
    if price is not None:
        notes = [f"{price['input'] or '?'} in, {price['output'] or '?'} out ({price['currency']} per million tokens)"]
    if candidate["cost_at_most"] is not None:
        notes[0] += f"; this request at most {Decimal(candidate['cost_at_most']).normalize():f}"
    circuit = candidate["circuit"]
    if circuit["phase"] != "closed" or circuit["failures"]:
        phase = circuit["phase"].replace("_", "-")
        notes.append(f"circuit {phase}, consecutive failures: {circuit['failures']} ({circuit['cause']})")
    notes += _limits(candidate["limits"])
    if candidate["first_content_ms"] is not None:
        notes.append(f"first content after {candidate['first_content_ms']:.0f} ms on average")
    return notes


def _limits(limits: list[dict[str, Any]]) -> list[str]:
    """What is left in each window, in words."""
    notes = []
    for limit in limits:
        for what, left in (("requests", "remaining_quota"), ("tokens", "remaining_tokens")):
            if limit.get(left) is not None:
                notes.append(f"{limit[left]:,} of {limit[what]:,} {what} left in {limit['seconds']:g} s")
    return notes
