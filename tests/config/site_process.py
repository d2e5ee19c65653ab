"""Runs commands of a product tree in its working directory, one after the other, and prints how things are then.

``python site_process.py '[["prepare"], ["model", "mine"], ["export_config", "--as-migration"]]'``. ``model`` adds a
public model by hand. The last line is JSON: ``{documents, revisions: [[origin, message, changes], …], error}``: the
configuration after each command, the revisions from the first on, and what the last one said if it was refused.
"""

from __future__ import annotations

import json
import os
import sys

sys.path.insert(0, os.getcwd())
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_project.settings")


def main() -> None:
    import django

    django.setup()
    from django.core.management import CommandError, call_command

    from routing.config.serialize import serialize
    from routing.models import ConfigRevision, PublicModel

    said = {"documents": []}
    for name, *words in json.loads(sys.argv[1]):
        try:
            if name == "model":
                PublicModel(name=words[0], strategy="priority").save()
            else:
                call_command(name, *words)
        except CommandError as error:
            said["error"] = str(error)
        said["documents"].append(serialize())
        if "error" in said:
            break
    rows = ConfigRevision.objects.order_by("number")
    said["revisions"] = [[row.origin, row.message, len(row.diff)] for row in rows]
    print("\n" + json.dumps(said))


main()
