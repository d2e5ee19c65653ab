"""``manage.py read_models``: the providers' own lists of models beside what is configured, and adding from them."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from providers.adapters.listings import ListedUpstreamModel
from providers.catalogue import plain
from providers.configuration import one_change
from providers.errors import UpstreamError
from providers.model_lists import NoList, list_models
from providers.models import Provider
from providers.offers import NoKey, Offer, add, compare, place_of
from providers.progress import Progress
from providers.wire import Credential, Target
from providers.words import in_words

Place = tuple[Target, tuple[Credential, ...]]

AT_ONCE = 6
PRESENT = ("known", "gone")
HEADINGS = {"new": "New", "gone": "Configured, but not listed", "other": "Of a type that the gateway does not serve"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One provider's list beside its rows, or why there is none."""

    provider: Provider
    offers: tuple[Offer, ...] = ()
    error: UpstreamError | None = None

    def line(self) -> str:
        """What is shown of it in one line."""
        if self.error is not None:
            return f"{self.provider.name}: {in_words(self.error)}"
        states = [offer.state for offer in self.offers]
        listed = len(states) - states.count("gone")
        return (
            f"{self.provider.name}: {listed} listed, {states.count('new')} new, {states.count('known')} known, "
            f"{states.count('gone')} configured but not listed"
        )


class Command(BaseCommand):
    help = "Read the providers' own lists of models, say what is new, and add what is chosen, with limits and prices."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--provider", action="append", metavar="NAME", help="only this one; may be repeated")
        parser.add_argument(
            "--add", nargs="+", metavar="MODEL", help="add these (model or provider/model), or all that are new: all"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be added, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        named = bool(options["provider"])
        places, lacking = placed(self.chosen(options["provider"]))
        if not places and not named:
            raise CommandError("No provider has a key. Name one with --provider, or give it a key first.")
        readings = self.read(places)
        if options["verbosity"] > 0:
            self.report(readings)
            if lacking and not named:
                self.stdout.write(
                    f"\nLeft out, for they have no key: {', '.join(one.provider.name for one in lacking)}."
                )
        if options["add"]:
            self.add(chosen_offers(readings, options["add"]), dry_run=options["dry_run"])
        failed = [one for one in readings if one.error is not None and (named or not isinstance(one.error, NoList))]
        if named:
            failed += lacking
        if failed:
            raise CommandError("\n".join(("Not read:", *(one.line() for one in failed))))

    def chosen(self, names: list[str] | None) -> list[Provider]:
        """The named providers, or all that are enabled."""
        rows = list(Provider.objects.prefetch_related("keys", "headers"))
        if names:
            missing = set(names) - {row.name for row in rows}
            if missing:
                raise CommandError(f"There is no provider named {', '.join(sorted(missing))}.")
            return [row for row in rows if row.name in names]
        return [row for row in rows if row.enabled]

    def read(self, places: list[tuple[Provider, Place]]) -> list[Reading]:
        """Ask them all, a few at once; in the order given."""
        found: dict[str, Reading] = {}
        with Progress(self.stdout, len(places)) as progress, ThreadPoolExecutor(AT_ONCE) as pool:
            asked = {pool.submit(list_models, *place): provider for provider, place in places}
            for future in as_completed(asked):
                reading = found[asked[future].name] = reading_of(asked[future], future.result)
                progress.step(reading.line())
        return [found[provider.name] for provider, _place in places]

    def report(self, readings: Iterable[Reading]) -> None:
        for reading in readings:
            for state, heading in HEADINGS.items():
                offers = [offer for offer in reading.offers if offer.state == state]
                if offers:
                    self.stdout.write(f"\n{reading.provider.name}: {heading}")
                width = max((len(offer.name) for offer in offers), default=0)
                for offer in offers:
                    facts = shown(offer) if state == "new" else ""
                    self.stdout.write(f"  {offer.name:<{width}}  {facts}".rstrip())

    def add(self, chosen: list[tuple[Provider, list[Offer]]], *, dry_run: bool) -> None:
        """Add the new ones among ``chosen``, and say which are there already."""
        added: list[str] = []
        with one_change(getpass.getuser(), "command"), transaction.atomic():
            for provider, offers in chosen:
                added += [f"{provider.name}/{name}" for name in add(provider, offers)]
            if dry_run:
                transaction.set_rollback(True)
        self.stdout.write("")
        for provider, offers in chosen:
            for offer in offers:
                if offer.state in PRESENT:
                    self.stdout.write(f"= {provider.name}/{offer.name}: configured already")
        for name in added:
            self.stdout.write(f"+ {name}")
        self.stdout.write(f"{len(added)} {'would be added' if dry_run else 'added'}.")


def placed(providers: Iterable[Provider]) -> tuple[list[tuple[Provider, Place]], list[Reading]]:
    """(those that can be asked, with where and how; why the others cannot)."""
    places: list[tuple[Provider, Place]] = []
    lacking: list[Reading] = []
    for provider in providers:
        try:
            places.append((provider, place_of(provider)))
        except NoKey as error:
            lacking.append(Reading(provider, error=error))
    return places, lacking


def reading_of(provider: Provider, listed: Any) -> Reading:
    """``listed()`` → Reading."""
    try:
        models: list[ListedUpstreamModel] = listed()
    except UpstreamError as error:
        return Reading(provider, error=error)
    return Reading(provider, tuple(compare(provider, models)))


def chosen_offers(readings: list[Reading], names: list[str]) -> list[tuple[Provider, list[Offer]]]:
    """What ``--add`` means: new models, and those named that are there already. CommandError for a name that nobody
    lists, or several list as new."""
    if names == ["all"]:
        return [(one.provider, [offer for offer in one.offers if offer.state == "new"]) for one in readings]
    chosen: dict[str, list[Offer]] = {}
    for name in names:
        found = named_so(readings, name, ("new",))
        if not found:
            found = named_so(readings, name, PRESENT)[:1]
        if not found:
            raise CommandError(f"{name} is not among the new models, nothing was added.")
        if len(found) > 1:
            at = ", ".join(f"{provider.name}/{offer.name}" for provider, offer in found)
            raise CommandError(f"{name} is offered by several: say which of {at}. Nothing was added.")
        chosen.setdefault(found[0][0].name, []).append(found[0][1])
    return [(one.provider, chosen.get(one.provider.name, [])) for one in readings]


def named_so(readings: list[Reading], name: str, states: tuple[str, ...]) -> list[tuple[Provider, Offer]]:
    """The models in one of ``states`` that ``name`` means, with or without the provider's."""
    return [
        (one.provider, offer)
        for one in readings
        for offer in one.offers
        if offer.state in states and name in (offer.name, f"{one.provider.name}/{offer.name}")
    ]


def shown(offer: Offer) -> str:
    """ "text-generation, 128000 tokens, 2.5/10 USD"."""
    window = f"{offer.max_input_tokens} tokens" if offer.max_input_tokens else "window unknown"
    figures = dict(offer.figures)
    price = "price unknown"
    if figures:
        sides = (plain(figures[side]) if side in figures else "?" for side in ("input", "output"))
        price = f"{'/'.join(sides)} USD per 1M"
    return f"{offer.type}, {window}, {price}"
