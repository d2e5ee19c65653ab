"""``manage.py recover_admin NAME``: the way back in for an administrator who is locked out."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from gateway_project import second_factor, throttle


class Command(BaseCommand):
    help = "Makes an administrator's account usable again: new password, no second factor, nobody waits."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="whose; made where there is no such account")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        password = secrets.token_urlsafe(12)
        with transaction.atomic():
            user, made = User.objects.get_or_create(username=name)
            user.is_active = user.is_staff = user.is_superuser = True
            user.set_password(password)
            user.save()
            second_factor.remove(user)
            throttle.forget()
        self.stdout.write(f"{'Made' if made else 'Recovered'}: {name}\nPassword: {password}")
