"""People of each role, in the gateway's own database."""

from __future__ import annotations

import json

from tests.browser.visits import PASSWORDS
from tests.running import RunningGateway

ROLES = {"viewer": "Viewer", "operator": "Operator"}
ADD = """
import json
from django.contrib.auth.models import Group, User
for name, group, password in json.loads({people!r}):
    person = User.objects.create_user(name, password=password, is_staff=True)
    person.groups.add(Group.objects.get(name=group))
"""


def add_people(gateway: RunningGateway) -> None:
    """``viewer`` and ``operator``, in the groups that the migrations made."""
    people = json.dumps([(name, group, PASSWORDS[name]) for name, group in ROLES.items()])
    gateway.manage("shell", "-v", "0", "-c", ADD.format(people=people))
