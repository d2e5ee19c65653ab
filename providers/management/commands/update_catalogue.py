"""Refresh what is known of models: limits, capabilities, prices. Operators' own values stay as they are."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone

from providers.catalogue import known_models
from providers.catalogue.published import published_price
from providers.catalogue.refresh import Finding, refresh
from providers.configuration import one_change

HEADINGS = {
    "changed": "Changed",
    "added": "Added",
    "kept": "Kept (set by an operator; the catalogue says otherwise)",
    "unknown": "Without a known price",
}


class Command(BaseCommand):
    help = (
        "Refresh limits, capabilities and prices from the product's catalogue and the installed genai-prices. "
        "Values that an operator has set are kept and listed."
    )
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--add", action="store_true", help="also add models that are known but not there")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        with one_change(getpass.getuser(), "command"), transaction.atomic():
            findings = refresh(known_models(), published_price, timezone.now(), add=options["add"])
            if options["dry_run"]:
                transaction.set_rollback(True)
        self.report(findings, quiet=options["verbosity"] == 0)
        changed = sum(finding.outcome in ("changed", "added") for finding in findings)
        done = "would change" if options["dry_run"] else "changed"
        self.stdout.write(f"{changed} {done}." if changed else "Everything known is up to date.")

    def report(self, findings: list[Finding], *, quiet: bool) -> None:
        if quiet:
            return
        for outcome, heading in HEADINGS.items():
            lines = [finding for finding in findings if finding.outcome == outcome]
            if lines:
                self.stdout.write(f"{heading}:")
            width = max((len(line.model) for line in lines), default=0)
            for line in lines:
                values = f"{line.old} -> {line.new}" if outcome in ("changed", "kept") else line.new
                self.stdout.write(f"  {line.model:<{width}}  {line.field:<17} {values}".rstrip())
            if lines:
                self.stdout.write("")
