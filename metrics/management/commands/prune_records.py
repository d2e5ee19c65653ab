"""``manage.py prune_records``: delete single requests older than the retention, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from metrics import prune, spool


class Command(BaseCommand):
    help = "Delete single requests and attempts older than GATEWAY_RETENTION_DAYS. Hourly sums stay."
    requires_system_checks: tuple[str, ...] = ()

    def handle(self, *args: Any, **options: Any) -> None:
        pruned = prune.prune(spool.default_directory())
        self.stdout.write(f"{pruned} requests deleted.")
