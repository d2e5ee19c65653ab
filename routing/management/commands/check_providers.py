"""``manage.py check_providers``: every configured model tried for real, streaming and not, and a report of it."""

from __future__ import annotations

import argparse
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from providers import upstream
from providers.progress import Progress
from routing import catalog
from routing.checking.questions import Question, estimate, questions_for
from routing.checking.report import LANGUAGES, Checked, as_json, as_markdown, closing, money, step_of, summary
from routing.checking.trial import Asking, Finding, try_out
from routing.resolve import why_unusable
from routing.types import Candidate, Catalog

JOBS = 6
SECONDS = 120.0


class Command(BaseCommand):
    help = (
        "Try every configured provider and model with one short request a mode, streaming and not, through the same "
        "adapters as real traffic; judge the answers' formats; print two summaries and write a report. Exits with 1 "
        "if anything failed. This costs a little: see --dry-run."
    )
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--provider", action="append", metavar="NAME", help="only this one; may be repeated")
        parser.add_argument(
            "--model", action="append", metavar="NAME", help="only these: model, provider/model or a pattern with *"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be tried and what it may cost")
        parser.add_argument(
            "--report",
            type=Path,
            metavar="PATH",
            help=f"write PATH.md and PATH.json (default: {str(reports()).replace('%', '%%')}/check-DATE-TIME)",
        )
        parser.add_argument(
            "--timeout",
            type=positive(float),
            default=SECONDS,
            metavar="SECONDS",
            help="for each request (default: %(default)g)",
        )
        parser.add_argument("--jobs", type=positive(int), default=JOBS, help="requests at once (default: %(default)s)")
        parser.add_argument("--language", choices=sorted(LANGUAGES), default="en", help="of the summaries")

    def handle(self, *args: Any, **options: Any) -> None:
        questions = chosen(catalog.current(), options["provider"], options["model"])
        if options["dry_run"]:
            self.tell(questions)
            return
        path = report_path(options["report"])
        began = time.monotonic()
        started = datetime.now(UTC).isoformat(timespec="seconds")
        findings = self.ask(questions, options["timeout"], options["jobs"], options["language"])
        checked = Checked(tuple(findings), started, time.monotonic() - began)
        self.stdout.write(f"\n{summary(checked, options['language'])}\n\n")
        files = write(checked, path)
        self.stdout.write(closing(checked, f"{files[0]}, {files[1].name}", options["language"]))
        failed = checked.count("failure")
        if failed:
            raise CommandError(f"{failed} of {len(findings)} tests failed.")
        if not checked.count("success"):
            raise CommandError("Nothing was tried.")

    def tell(self, questions: list[Question]) -> None:
        for question in questions:
            what = f"skipped: {question.skip}" if question.skip else "would be tried"
            self.stdout.write(f"{question.name} ({question.operation}, {question.mode}): {what}")
        guess = estimate(questions, time.time())
        tried = sum(not question.skip for question in questions)
        told = f"{tried} request{'' if tried == 1 else 's'} would be sent"
        if guess.amounts:
            told += f", for at most about {money(guess.amounts)}"
            told += f"; the price of {guess.unknown} of them is not known" if guess.unknown else ""
        elif tried:
            told += "; what this would cost is not known"
        self.stdout.write(f"{told}.")

    def ask(self, questions: list[Question], seconds: float, jobs: int, language: str) -> list[Finding]:
        """Everything, ``jobs`` at once; in the order of ``questions``. Ctrl-C ends what is under way."""
        stop = threading.Event()
        asking = Asking(upstream.send, seconds, stop.is_set)
        keyless: dict[str, Finding] = {}
        found: dict[int, Finding] = {}
        with Progress(self.stdout, len(questions)) as progress, ThreadPoolExecutor(jobs) as pool:
            asked: dict[Future[Finding], int] = {
                pool.submit(one, question, asking, keyless): number for number, question in enumerate(questions)
            }
            try:
                for future in as_completed(asked):
                    finding = found[asked[future]] = future.result()
                    progress.step(step_of(finding, language))
            except KeyboardInterrupt as interrupt:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise CommandError("Stopped.", returncode=130) from interrupt
        return [found[number] for number in range(len(questions))]


def one(question: Question, asking: Asking, keyless: dict[str, Finding]) -> Finding:
    """One finding. A provider whose every key was rejected is not asked again; a fault of ours is a finding too."""
    provider = question.candidate.target.provider
    before = keyless.get(provider)
    if before is not None and not question.skip:
        return Finding(question, "failure", f"{before.detail} (not asked again)", before.status)
    try:
        finding = try_out(question, asking)
    except Exception as error:  # noqa: BLE001 - one adapter's fault must not end the check of the others
        return Finding(question, "failure", f"a fault of the gateway's own: {type(error).__name__}")
    if finding.keyless and finding.status == 401:
        keyless[provider] = finding
    return finding


def chosen(served: Catalog, providers: list[str] | None, models: list[str] | None) -> list[Question]:
    """What to ask of the configured models. CommandError where there is none, or a name means none."""
    missing = set(providers or ()) - set(served.providers)
    if missing:
        raise CommandError(f"There is no provider named {', '.join(sorted(missing))}.")
    unready = [str(why) for name in providers or () if (why := why_unusable(served.providers[name])[0])]
    if unready:
        raise CommandError(f"Nothing can be sent: {'; '.join(unready)}.")
    questions = []
    met = set()
    meant: set[str] = set()
    for name, candidate in usable(served):
        provider = candidate.target.provider
        if (providers and provider not in providers) or candidate.identity in met:
            continue
        asked_for = [pattern for pattern in models or () if matches(pattern, name, provider)]
        if models and not asked_for:
            continue
        meant.update(asked_for)
        met.add(candidate.identity)
        questions += questions_for(name, candidate, named=any("*" not in pattern for pattern in asked_for))
    unknown = [why_not(pattern, served) for pattern in models or () if pattern not in meant]
    if unknown:
        raise CommandError("\n".join(unknown))
    if not questions:
        raise CommandError("No configured model is meant. A provider needs a key, and models that are enabled.")
    return questions


def why_not(pattern: str, served: Catalog) -> str:
    """Why ``pattern`` means no model that can be tried."""
    for names, what in (
        (served.routes, "a public model"),
        (served.aliases, "an alias"),
        (served.categories, "a category"),
    ):
        if pattern in names:
            return f"{pattern} is {what}: these are not tried, only the models of providers."
    provider, _slash, model = pattern.partition("/")
    entry = served.providers.get(provider)
    if entry is not None:
        known = entry.models.get(model)
        reason = why_unusable(entry)[0] or (known.reason_skipped if known else None)
        if reason:
            return f"{pattern} cannot be tried: {reason}."
    return f"No model of a provider with a key is called {pattern}, or it is left out by --provider."


def usable(served: Catalog) -> Iterator[tuple[str, Candidate]]:
    """(name, candidate) of every model and endpoint that requests can be sent to, by the providers' positions."""
    entries = sorted(served.providers.values(), key=lambda entry: (entry.position, entry.name))
    for entry in entries:
        if entry.configured:
            for model, candidate in sorted(entry.models.items()):
                if candidate.reason_skipped is None:
                    yield f"{entry.name}/{model}", candidate
    for name, candidate in sorted(served.endpoints.items()):
        if candidate.reason_skipped is None and not candidate.pass_model_name:
            yield f"{candidate.target.provider}/{candidate.target.upstream_model} at {name}", candidate


def matches(pattern: str, name: str, provider: str) -> bool:
    """Whether ``pattern`` means ``name`` ("provider/model"), with or without the provider."""
    names = name, name.removeprefix(f"{provider}/")
    return pattern in names or any(fnmatchcase(one, pattern) for one in names)


def positive(number: type[int] | type[float]) -> Callable[[str], float]:
    """A reader of finite numbers above 0, for an argument."""

    def read(text: str) -> float:
        try:
            value = number(text)
        except ValueError:
            value = number(0)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"expected a number above 0, not {text}")
        return value

    return read


def reports() -> Path:
    """Where reports go when nothing is said."""
    return Path(settings.DATA_DIR) / "reports"


def report_path(said: Path | None) -> Path:
    """Where the report goes, without a suffix. CommandError for a folder that does not exist."""
    if said is None:
        return reports() / f"check-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    if not said.parent.is_dir():
        raise CommandError(f"--report: there is no folder {said.parent}.")
    return said.with_suffix("") if said.suffix in (".md", ".json") else said


def write(checked: Checked, base: Path) -> tuple[Path, Path]:
    """The report as ``base``.md and .json. CommandError where it cannot be written."""
    files = base.with_name(f"{base.name}.md"), base.with_name(f"{base.name}.json")
    try:
        base.parent.mkdir(parents=True, exist_ok=True)
        for file, text in zip(files, (as_markdown(checked), as_json(checked)), strict=True):
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"The report cannot be written to {error.filename}: {error.strerror}") from error
    return files
