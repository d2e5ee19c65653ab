"""The groups of people who use the admin, with what each may do. Who is in which is decided in the admin."""

from django.db import migrations

CONFIGURATION = {
    "routing": ("publicmodel", "alias", "entry", "endpoint", "category"),
    "providers": ("provider", "providerkey", "providerheader", "providermodel", "price"),
}
OBSERVED = {
    "routing": ("circuitstate", "circuitevent", "endpointstats", "keystate"),
    "metrics": ("requestlog", "attemptlog", "usagehour", "usagetotal"),
}


def every(models, *verbs):
    return {(label, model, verb) for label, names in models.items() for model in names for verb in verbs}


VIEWER = every(CONFIGURATION, "view") | every(OBSERVED, "view")
GROUPS = {
    "Viewer": VIEWER,
    "Auditor": VIEWER
    | every(
        {
            "auth": ("user", "group"),
            "admin": ("logentry",),
            "routing": ("apikey", "configrevision"),
            "metrics": ("requestcontent",),
        },
        "view",
    ),
    "Operator": VIEWER
    | every(CONFIGURATION, "add", "change", "delete")
    | {
        ("routing", "apikey", "view"),
        ("routing", "circuitstate", "change"),  # trip, reset, drain
        ("routing", "configrevision", "view"),
        ("routing", "configrevision", "add"),  # roll back, import
        ("metrics", "requestlog", "add"),  # send requests: playground, tests
    },
    "Key manager": VIEWER
    | every({"routing": ("apikey",)}, "view", "add", "change", "delete")
    | every({"providers": ("providerkey", "providerheader")}, "change")
    | {("providers", "providerkey", "add")},  # a new one beside the old, while both are in use
}


def make(apps, schema_editor):
    """On a fresh database there are no permissions yet: Django makes them after the last migration, and keeps these."""
    groups = apps.get_model("auth", "Group").objects
    for name, allowed in GROUPS.items():
        group, _made = groups.get_or_create(name=name)
        group.permissions.add(*(permission(apps, *one) for one in sorted(allowed)))


def permission(apps, label, model, verb):
    kind, _made = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label=label, model=model)
    row, _made = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind, codename=f"{verb}_{model}", defaults={"name": f"Can {verb} {spoken(apps, label, model)}"}
    )
    return row


def spoken(apps, label, model):
    """As the model calls itself; one that a later migration makes, as it will."""
    try:
        return apps.get_model(label, model)._meta.verbose_name
    except LookupError:
        return {"requestcontent": "stored content of a request"}[model]


def unmake(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("metrics", "0002_totals"),
        ("providers", "0003_limits"),
        ("routing", "0007_applied_sources"),
    ]
    operations = [migrations.RunPython(make, unmake)]
