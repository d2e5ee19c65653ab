"""What a check found: the two summary blocks, and the report as Markdown and JSON. ◇"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from routing.checking.french import in_french
from routing.checking.trial import Finding

MODES = ("non-streaming", "streaming")
MARKS = {"success": "✅", "failure": "❌", "skipped": "⏭️"}
LANGUAGES: dict[str, dict[str, str]] = {
    "en": {
        "heading": "SUMMARY OF THE {mode} TESTS",
        "success": "Success",
        "failure": "Failure",
        "skipped": "Skipped",
        "none": "none",
        "non-streaming": "non-streaming",
        "streaming": "streaming",
        "counts": "{success} success, {failure} failure, {skipped} skipped. Cost: {cost}. Report: {report}",
        "rejected": "Rejected keys: {keys}.",
        "unknown": "not known",
    },
    "fr": {
        "heading": "RÉSUMÉ DES TESTS {mode}",
        "success": "Succès",
        "failure": "Échec",
        "skipped": "Ignoré",
        "none": "aucun",
        "non-streaming": "sans streaming",
        "streaming": "en streaming",
        "counts": "{success} succès, {failure} échec(s), {skipped} ignoré(s). Coût : {cost}. Rapport : {report}",
        "rejected": "Clés refusées : {keys}.",
        "unknown": "inconnu",
    },
}


@dataclass(frozen=True, slots=True)
class Checked:
    """All that a check found, in the order of the questions. ``started``: ISO 8601; ``seconds`` it took together."""

    findings: tuple[Finding, ...]
    started: str
    seconds: float

    def count(self, outcome: str) -> int:
        """How many ended so."""
        return sum(finding.outcome == outcome for finding in self.findings)

    def amounts(self) -> dict[str, Decimal]:
        """What it cost, by currency, as far as prices are known."""
        sums: dict[str, Decimal] = {}
        for finding in self.findings:
            if finding.amount is not None:
                sums[finding.currency] = sums.get(finding.currency, Decimal(0)) + finding.amount
        return sums


def closing(checked: Checked, report: str, language: str = "en") -> str:
    """What comes below the blocks: how many, what it cost, where the report is, which keys are of no use."""
    words = LANGUAGES[language]
    counts = {outcome: checked.count(outcome) for outcome in MARKS}
    cost = money(checked.amounts()) or words["unknown"]
    lines = [words["counts"].format(**counts, cost=cost, report=report)]
    keys = sorted({key for finding in checked.findings for key in finding.rejected})
    if keys:
        lines.append(words["rejected"].format(keys=", ".join(keys)))
    return "\n".join(lines)


def summary(checked: Checked, language: str = "en") -> str:
    """The two blocks: a line a model, whole answers first, then streams."""
    words = LANGUAGES[language]
    blocks = []
    for mode in MODES:
        lines = [f"=== {words['heading'].format(mode=mode.upper())} ==="]
        lines += [line_of(finding, language) for finding in checked.findings if finding.question.mode == mode]
        blocks.append("\n".join(lines if len(lines) > 1 else [*lines, words["none"]]))
    return "\n\n".join(blocks)


def step_of(finding: Finding, language: str = "en") -> str:
    """``line_of`` with the mode and how long it took, for the moment when it is found."""
    mode = LANGUAGES[language][finding.question.mode]
    return f"{line_of(finding, language)} ({mode}, {finding.seconds:.1f} s)"


def line_of(finding: Finding, language: str = "en") -> str:
    """ "openai/gpt-4o: ✅ Success", with the reason where there is one."""
    said = f"{finding.question.name}: {MARKS[finding.outcome]} {LANGUAGES[language][finding.outcome]}"
    detail = in_french(finding.detail) if language == "fr" else finding.detail
    return f"{said}: {detail}" if detail else said


def as_json(checked: Checked) -> str:
    """The report for programs."""
    body = {
        "started": checked.started,
        "seconds": round(checked.seconds, 3),
        "counts": {outcome: checked.count(outcome) for outcome in MARKS},
        "cost": {currency: plain(amount) for currency, amount in checked.amounts().items()},
        "results": [_result(finding) for finding in checked.findings],
    }
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


def as_markdown(checked: Checked) -> str:
    """The report for people."""
    return "\n".join(_markdown(checked)) + "\n"


def plain(amount: Decimal) -> str:
    """Money to six places, without trailing zeros."""
    return format(round(amount, 6).normalize(), "f")


def money(amounts: dict[str, Decimal]) -> str:
    """ "0.012 USD + 0.3 EUR", "" for nothing."""
    return " + ".join(f"{plain(amount)} {currency}" for currency, amount in amounts.items())


def _markdown(checked: Checked) -> Iterator[str]:
    counts = ", ".join(f"{checked.count(outcome)} {word}" for outcome, word in
                       (("success", "succeeded"), ("failure", "failed"), ("skipped", "skipped")))  # fmt: skip
    cost = money(checked.amounts()) or "not known"
    yield from ("# Check of the configured providers", "")
    yield f"Started {checked.started}, took {checked.seconds:.1f} s: {counts}. Cost: {cost}."
    for mode in MODES:
        yield from ("", f"## {mode.capitalize()}", "")
        yield "| model | operation | result | seconds | first content | tokens in/out | cost | remarks |"
        yield "|---|---|---|---|---|---|---|---|"
        for finding in checked.findings:
            if finding.question.mode == mode:
                yield f"| {' | '.join(_cell(text) for text in _row(finding))} |"


def _row(finding: Finding) -> tuple[str, ...]:
    usage = finding.usage
    counts = f"{usage.get('prompt_tokens', '?')}/{usage.get('completion_tokens', '?')}" if usage else ""
    dropped = f"not sent: {', '.join(finding.dropped)}" if finding.dropped else ""
    return (
        finding.question.name,
        finding.question.operation,
        f"{MARKS[finding.outcome]} {finding.outcome}",
        f"{finding.seconds:.2f}" if finding.outcome != "skipped" else "",
        "" if finding.first_seconds is None else f"{finding.first_seconds:.2f}",
        counts,
        "" if finding.amount is None else f"{plain(finding.amount)} {finding.currency}",
        "; ".join(filter(None, (finding.detail, dropped))),
    )


def _cell(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def _result(finding: Finding) -> dict[str, Any]:
    question = finding.question
    target = question.candidate.target
    return {
        "model": question.name,
        "provider": target.provider,
        "upstream_model": target.upstream_model,
        "operation": question.operation,
        "mode": question.mode,
        "outcome": finding.outcome,
        "detail": finding.detail,
        "status": finding.status,
        "seconds": round(finding.seconds, 3),
        "first_content_seconds": None if finding.first_seconds is None else round(finding.first_seconds, 3),
        "usage": dict(finding.usage),
        "cost": None if finding.amount is None else plain(finding.amount),
        "currency": finding.currency,
        "dropped_parameters": list(finding.dropped),
        "rejected_keys": list(finding.rejected),
    }
