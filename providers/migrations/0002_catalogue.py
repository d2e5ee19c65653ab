"""The vendors and models the product knows at its first release, from ``frozen/0002.json``, which never changes.

Going back removes only what is still as it was written here: a row that an operator has touched stays, and so does a
provider that anything of theirs hangs on.
"""

import json
from decimal import Decimal
from pathlib import Path

from django.db import migrations

FACTS = {"upstream_name": "", "type": "text-generation", "max_input_tokens": None, "max_output_tokens": None,
         "capabilities": []}
FIGURES = ("input", "output", "cached_input", "cache_write")


def frozen():
    return json.loads((Path(__file__).parent / "frozen" / "0002.json").read_text(encoding="utf-8"))


def facts_of(row):
    return {name: row.get(name, default) for name, default in FACTS.items()}


def price_of(row):
    return {name: row["price"].get(name) for name in FIGURES} | {"currency": "USD", "source": row["price"]["source"]}


def label_of(variable):
    return variable.lower().replace("_", "-")


def provider_fields(row):
    return {name: row[name] for name in ("kind", "base_url", "position", "keyless", "enabled")}


def add(apps, schema_editor):
    Provider = apps.get_model("providers", "Provider")
    Key = apps.get_model("providers", "ProviderKey")
    Model = apps.get_model("providers", "ProviderModel")
    Price = apps.get_model("providers", "Price")
    data = frozen()
    present = set(Provider.objects.values_list("name", flat=True))
    rows = [row for row in data["providers"] if row["name"] not in present]
    providers = {
        provider.name: provider
        for provider in Provider.objects.bulk_create(
            [Provider(name=row["name"], **provider_fields(row)) for row in rows]
        )
    }
    Key.objects.bulk_create(
        Key(provider=providers[row["name"]], label=label_of(variable), position=position, env_var=variable)
        for row in rows
        for position, variable in enumerate(row["env_vars"])
    )
    known = [row for row in data["models"] if row["provider"] in providers]
    models = Model.objects.bulk_create(
        Model(
            provider=providers[row["provider"]],
            name=row["name"],
            known=facts_of(row) | ({"price": price_of(row)} if "price" in row else {}),
            **facts_of(row),
        )
        for row in known
    )
    Price.objects.bulk_create(
        Price(model=model, **{name: Decimal(value) if name in FIGURES and value else value
                              for name, value in price_of(row).items()})
        for model, row in zip(models, known, strict=True)
        if "price" in row
    )


def untouched_model(model, row):
    if not model.enabled or any(getattr(model, name) != value for name, value in facts_of(row).items()):
        return False
    prices = list(model.prices.all())
    if "price" not in row:
        return not prices
    if len(prices) != 1 or prices[0].valid_from is not None or prices[0].request is not None:
        return False
    return all(
        (getattr(prices[0], name) == (Decimal(value) if name in FIGURES and value else value))
        for name, value in price_of(row).items()
    )


def providers_with_endpoints(connection):
    """Ids of providers that endpoints name. By SQL: that table belongs to another app, which may not be there."""
    if "routing_endpoint" not in connection.introspection.table_names():
        return set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT provider_id FROM routing_endpoint")
        return {row[0] for row in cursor.fetchall()}


def untouched_provider(provider, row):
    plain = {"auth_header": "", "auth_scheme": "", "paths": {}, "extra_body": {}, "proxy": "", "ca_bundle": ""}
    return all(getattr(provider, name) == value for name, value in (provider_fields(row) | plain).items())


def remove(apps, schema_editor):
    Provider = apps.get_model("providers", "Provider")
    data = frozen()
    rows = {(row["provider"], row["name"]): row for row in data["models"]}
    in_use = providers_with_endpoints(schema_editor.connection)
    wanted = {row["name"]: row for row in data["providers"]}
    for provider in Provider.objects.filter(name__in=wanted).prefetch_related(
        "keys", "headers", "models__prices"
    ):
        row = wanted[provider.name]
        ours = [
            model.pk
            for model in provider.models.all()
            if (provider.name, model.name) in rows and untouched_model(model, rows[provider.name, model.name])
        ]
        keys = [
            key.pk
            for key in provider.keys.all()
            if key.enabled and not key.secret and key.env_var in row["env_vars"] and key.label == label_of(key.env_var)
        ]
        everything_ours = len(ours) == len(provider.models.all()) and len(keys) == len(provider.keys.all())
        if provider.pk not in in_use:
            provider.models.filter(pk__in=ours).delete()
        if (
            everything_ours and provider.pk not in in_use and not provider.headers.all()
            and untouched_provider(provider, row)
        ):
            provider.delete()


class Migration(migrations.Migration):
    dependencies = [("providers", "0001_initial")]
    operations = [migrations.RunPython(add, remove, elidable=False)]
