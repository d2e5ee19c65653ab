"""A part of the configuration changed by a program: the document is read, amended and applied under one lock.

An importer, or a call of the API, gets a ``Draft``: the present document to change in place, a place for the secrets
that come with the change, and two lists: problems (then nothing is changed) and notes (what was not taken over).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from routing.config.apply import write
from routing.config.check import Wanted, check
from routing.config.diff import Change
from routing.config.document import DocumentError, Problem
from routing.config.revisions import rehearsal, revision
from routing.config.serialize import read


@dataclass(slots=True)
class Draft:
    """A change in the making.

    ``document``: the canonical document, to be amended in place. ``stored``: the secrets that are stored, by path.
    ``secrets``: those to be stored. ``notes``: what the source says and the configuration cannot. ``problems``: what is
    wrong with the source. ``follow_ups``: what else is done in the same transaction, after the rows are written, with
    the line that tells of it (state that is no configuration, such as an open circuit). ``actor``: who changes it.
    ``told``: what was taken over, a line a source.
    ``source``: what is being read, before each path in messages; ``places``: paths of the document → where the source
    says what is there, so that what is found wrong only with the whole document names the source's own place.
    ``claims``: providers → by which key and headers this change found them, so that no other key becomes theirs.
    """

    document: dict[str, Any]
    stored: Mapping[str, str]
    actor: str = ""
    source: str = ""
    places: dict[str, str] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict, repr=False)
    secrets: dict[str, str] = field(default_factory=dict)
    notes: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    follow_ups: list[tuple[str, Callable[[], object]]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def section(self, name: str) -> dict[str, Any]:
        """``providers``, ``endpoints``, ``models`` or ``categories`` of the document, to be amended."""
        section: dict[str, Any] = self.document.setdefault(name, {})
        return section

    def complain(self, path: str, message: str) -> None:
        """Something is wrong: nothing will be changed."""
        self.problems.append(Problem(self._within(path), message))

    def note(self, path: str, message: str) -> None:
        """Something is left out, and whoever imports is told."""
        self.notes.append(Problem(self._within(path), message))

    def tell(self, line: str) -> None:
        """What was taken over, for the log of a start."""
        self.told.append(line)

    def came_from(self, path: str, where: str) -> None:
        """What the document says at ``path`` is what the source says at ``where``."""
        self.places[path] = self._within(where)

    def in_source(self, problem: Problem) -> Problem:
        """A problem of the document at the place of the source that it comes from, where one is known."""
        path, rest = problem.path, ""
        while path and path not in self.places:
            path, _, last = path.rpartition("/")
            rest = f"/{last}{rest}"
        return Problem(self.places[path] + rest, problem.message) if path else problem

    def _within(self, path: str) -> str:
        return ", ".join(part for part in (self.source, path) if part)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a change did, or would do: the difference, other lines to tell, what was left out, the revision's number,
    what was taken over from where."""

    changes: tuple[Change, ...]
    others: tuple[str, ...]
    notes: tuple[Problem, ...]
    number: int | None
    told: tuple[str, ...] = ()


def amend(
    change: Callable[[Draft], None],
    actor: str,
    origin: str,
    message: str = "",
    *,
    dry_run: bool = False,
    drop_secrets: bool = False,
) -> Outcome:
    """Let ``change`` amend the configuration: one lock, one transaction, at most one revision.

    ``drop_secrets`` as in ``apply``. Raises DocumentError with every problem, and then nothing was changed.
    """
    with rehearsal() if dry_run else revision(actor, origin, message) as opened:
        document, stored = read()
        draft = Draft(document, stored, actor)
        change(draft)
        if draft.problems:
            raise DocumentError(draft.problems)
        _write(draft, drop_secrets)
        for _line, follow_up in draft.follow_ups:
            follow_up()
        changes = tuple(opened.changes())
    others = tuple(line for line, _follow_up in draft.follow_ups)
    return Outcome(changes, others, tuple(draft.notes), opened.number, tuple(draft.told))


def _with_place(secrets: Mapping[str, str], wanted: Wanted) -> dict[str, str]:
    """Without those of accounts that a later source took away again."""
    places = {f"providers/{name}/proxy" for name, one in wanted.providers.items() if one.stored_proxy}
    for name, one in wanted.providers.items():
        places |= {f"providers/{name}/keys/{label}/secret" for label in one.stored_keys}
        places |= {f"providers/{name}/headers/{header}/value" for header in one.headers}
    return {path: secret for path, secret in secrets.items() if path in places}


def _write(draft: Draft, drop_secrets: bool) -> None:
    """The draft as rows. Raises DocumentError in the words of the sources."""
    try:
        wanted = check(draft.document)
        write(wanted, _with_place(draft.secrets, wanted), drop_secrets=drop_secrets)
    except DocumentError as error:
        raise type(error)([draft.in_source(problem) for problem in error.problems]) from error
