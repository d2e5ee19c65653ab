"""Configuration files of other systems, and our own, into the configuration.

A format is a file here with a ``Format``: how it is recognised by its content, and a function that amends a ``Draft``
by what a file says. What it cannot take over it notes; what is wrong it complains of, with the path within the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from routing.config.amend import Draft, Outcome, amend
from routing.config.document import DocumentError, Problem
from routing.config.importers import (
    albert_registry,
    canonical,
    category_router,
    circuit_state,
    environment,
    failover_router,
    litellm,
    ovhcloud_proxy,
    price_map,
)
from routing.config.importers.format import Format
from routing.config.importers.source import Source

T = TypeVar("T")

FORMATS: tuple[Format, ...] = (
    canonical.FORMAT,
    category_router.FORMAT,
    circuit_state.FORMAT,
    litellm.FORMAT,
    albert_registry.FORMAT,
    ovhcloud_proxy.FORMAT,
    failover_router.FORMAT,
    price_map.FORMAT,
    environment.FORMAT,
)
"""In the order in which they are asked whether a file is theirs."""


def recognise(source: Source) -> Format:
    """The format of a file. Raises DocumentError where it is none, naming those there are."""
    found = next((one for one in FORMATS if one.recognises(source)), None)
    if found is None:
        known = "; ".join(f"{one.label} ({one.sign})" for one in FORMATS)
        raise DocumentError([Problem("", f"not a configuration that is known here. Known: {known}")])
    return found


def import_sources(
    sources: Sequence[Source],
    actor: str,
    origin: str,
    message: str = "",
    *,
    dry_run: bool = False,
    drop_secrets: bool = False,
) -> Outcome:
    """Take over what the sources say, in their order (late formats last): one transaction, one revision, or nothing.

    ``drop_secrets`` as in ``apply``. Raises DocumentError; each problem's and note's path begins with its file's name.
    """

    def change(draft: Draft) -> None:
        found = [(source, form) for source in sources if (form := _attempt(draft, source, partial(recognise, source)))]
        for source, form in sorted(found, key=lambda pair: pair[1].late):
            told = len(draft.told)
            _attempt(draft, source, partial(form.read, source, draft))
            if len(draft.told) == told:
                draft.tell(f"Configuration loaded from {source.name}")

    return amend(change, actor, origin, message, dry_run=dry_run, drop_secrets=drop_secrets)


def _attempt(draft: Draft, source: Source, work: Callable[[], T]) -> T | None:
    """None, with complaints in the name of the source, where ``work`` cannot go on."""
    draft.source = source.name
    try:
        return work()
    except DocumentError as error:
        for problem in error.problems:
            draft.complain(problem.path, problem.message)
        return None
