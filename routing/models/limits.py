"""The sliding windows' rows on SQLite and PostgreSQL. Written by ``routing.windows`` alone, in SQL of its own.

Moments are microseconds since 1970 by the database's clock.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class LimitWindow(models.Model):
    """A window's sums: what its hits come to, kept in the transactions that change them. Empty from ``fades_at`` on."""

    key = models.CharField(max_length=1000)
    requests = models.BigIntegerField(default=0)
    tokens = models.BigIntegerField(default=0)
    fades_at = models.BigIntegerField(default=0, db_index=True)

    class Meta:
        # Not unique=True: PostgreSQL would keep a second index, for LIKE.
        constraints: ClassVar = [models.UniqueConstraint(fields=["key"], name="limit_window_key")]

    def __str__(self) -> str:
        return self.key


class LimitHit(models.Model):
    """One admission in one window."""

    window = models.ForeignKey(LimitWindow, models.CASCADE, db_constraint=False, db_index=False)
    at = models.BigIntegerField()
    tokens = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["window", "at"], name="limit_hit_age")]

    def __str__(self) -> str:
        return f"{self.window_id}@{self.at}"
