"""Which objects a revision is about, to be found by; those of earlier revisions are read from what they changed."""

import re

import django.db.models.deletion
from django.db import migrations, models

# The fields of each kind of object, as they were when this was written.
ENDPOINT = "provider|upstream_model|base_url|enabled|[a-z]+(?:_content)?_timeout|retries|limit_[a-z]+|circuit_[a-z_]+"
PROVIDER = "kind|base_url|enabled|position|keyless|auth_[a-z]+|ca_bundle|limit_[a-z]+|description"
OBJECTS = [
    r"(providers/[^/]+/models/.+?)(?:/(?:upstream_name|type|enabled|max_[a-z_]+|(?:capabilities|known|prices)(?:/.*)?))?",
    rf"(providers/.+?)(?:/(?:{PROVIDER}|(?:paths|extra_body|proxy|keys|headers|models)(?:/.*)?))?",
    rf"(endpoints/.+?)(?:/(?:{ENDPOINT}))?",
    r"(models/.+?)(?:/(?:type|strategy|enabled|mid_stream|owned_by|description|(?:aliases|entries)(?:/.*)?))?",
    r"(categories/.+?)(?:/(?:strategy|enabled|description|(?:keywords|weights|entries)(?:/.*)?))?",
]


def objects_of(diff):
    found = set()
    for change in diff:
        path = change["path"]
        match = next((match for one in OBJECTS if (match := re.fullmatch(one, path, re.DOTALL))), None)
        owner = match[1] if match else path
        found.add(owner[:500])
        if owner.startswith("providers/") and path in (owner, f"{owner}/models"):
            for side in (change.get("before"), change.get("after")):
                said = side if isinstance(side, dict) else {}
                offered = said if path != owner else said.get("models", {})
                found.update(f"{owner}/models/{name}"[:500] for name in offered)
    return found


def fill(apps, schema_editor):
    Revision = apps.get_model("routing", "ConfigRevision")
    Touched = apps.get_model("routing", "RevisionObject")
    for number, diff in Revision.objects.order_by().values_list("number", "diff").iterator(chunk_size=100):
        Touched.objects.bulk_create(Touched(revision_id=number, path=path) for path in sorted(objects_of(diff)))


class Migration(migrations.Migration):

    dependencies = [
        ('routing', '0008_labels'),
    ]

    operations = [
        migrations.CreateModel(
            name='RevisionObject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.CharField(max_length=500)),
                ('revision', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='objects_touched', to='routing.configrevision')),
            ],
            options={
                'ordering': ['path'],
                'indexes': [models.Index(fields=['path', 'revision'], name='revision_object_path')],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
