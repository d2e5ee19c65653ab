"""The four categories of the category router, their chains and keywords, from ``frozen/0003.json``, which never changes.

A name that is taken, by a category, public model or alias, stays its owner's; an endpoint that is there already serves
the chains as it is. Going back removes only what is still as it was written here.
"""

import json
from pathlib import Path

from django.db import migrations, models

import routing.models.routes

PLAIN = {"base_url": "", "enabled": True, "connect_timeout": None, "first_content_timeout": None, "idle_timeout": None,
         "total_timeout": None, "retries": None, "limit_requests": None, "limit_tokens": None, "limit_window": None,
         "circuit_failures": None, "circuit_pause": None, "circuit_pause_max": None}


def frozen():
    return json.loads((Path(__file__).parent / "frozen" / "0003.json").read_text(encoding="utf-8"))


def fields_of(row):
    """The columns of a Category; ``keywords`` are frozen by their weights."""
    weighed = [(word, float(weight)) for weight, words in row["keywords"].items() for word in words]
    return {
        "keywords": [word for word, _weight in weighed],
        "weights": {word: weight for word, weight in weighed if weight != 1},
        "strategy": "ordered",
        "enabled": True,
        "description": row["description"],
    }


def endpoint_of(apps, row):
    """The endpoint of a frozen row: the one of its identity, else a new one; None where its provider is gone."""
    Endpoint = apps.get_model("routing", "Endpoint")
    provider = apps.get_model("providers", "Provider").objects.filter(name=row["provider"]).first()
    if provider is None:
        return None
    identity = {"provider": provider, "upstream_model": row["upstream_model"], "base_url": ""}
    name = row["name"]
    while Endpoint.objects.filter(name=name).exclude(**identity).exists():
        name += " (router)"
    return Endpoint.objects.get_or_create(**identity, defaults={"name": name})[0]


def add(apps, schema_editor):
    Category = apps.get_model("routing", "Category")
    Entry = apps.get_model("routing", "Entry")
    data = frozen()
    taken = {
        name
        for table in ("Category", "PublicModel", "Alias")
        for name in apps.get_model("routing", table).objects.values_list("name", flat=True)
    }
    wanted = [row for row in data["categories"] if row["name"] not in taken]
    used = {name for row in wanted for name in row["entries"]}
    endpoints = {row["name"]: endpoint_of(apps, row) for row in data["endpoints"] if row["name"] in used}
    for row in wanted:
        category = Category.objects.create(name=row["name"], **fields_of(row))
        chain = [endpoints[name] for name in row["entries"] if endpoints[name] is not None]
        Entry.objects.bulk_create(
            Entry(owner_category=category, endpoint=endpoint, position=position)
            for position, endpoint in enumerate(chain)
        )


def untouched(row, said):
    return all(getattr(row, name) == value for name, value in said.items())


def chain_of(category):
    """Its entries as the frozen file says them, or None where one is no longer plain."""
    entries = category.entries.select_related("endpoint").order_by("position", "id")
    if any((entry.model_id, entry.priority, entry.weight, entry.enabled) != (None, 0, 1, True) for entry in entries):
        return None
    return [entry.endpoint.name for entry in entries]


def remove(apps, schema_editor):
    Category = apps.get_model("routing", "Category")
    Endpoint = apps.get_model("routing", "Endpoint")
    data = frozen()
    for row in data["categories"]:
        category = Category.objects.filter(name=row["name"]).first()
        if category is not None and untouched(category, fields_of(row)) and chain_of(category) == row["entries"]:
            category.delete()
    for row in data["endpoints"]:
        endpoint = Endpoint.objects.filter(name=row["name"], provider__name=row["provider"], entries__isnull=True).first()
        if endpoint is not None and untouched(endpoint, PLAIN | {"upstream_model": row["upstream_model"]}):
            endpoint.delete()


class Migration(migrations.Migration):
    dependencies = [("routing", "0002_windows"), ("providers", "0002_catalogue")]
    operations = [
        migrations.AlterField(
            model_name="category",
            name="weights",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='Where a keyword counts more or less than 1, e.g. {"refactor": 2, "file": 0.3}. Those below 1 are hints: they count only where they add up to 1.',
                validators=[routing.models.routes.validate_weights],
                verbose_name="keyword weights",
            ),
        ),
        migrations.RunPython(add, remove, elidable=False),
    ]
