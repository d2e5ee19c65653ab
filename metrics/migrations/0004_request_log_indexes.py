"""The indexes that the request log walks along.

On PostgreSQL they are made CONCURRENTLY, beside a gateway that serves; one that an interrupted run left behind invalid
is made again. The index on ``request_id`` alone goes, without the rewriting of the table that AlterField means on SQLite.
"""

from django.db import migrations, models


class AddIndex(migrations.AddIndex):
    """CONCURRENTLY where the database can, and whatever came of an earlier try."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.index.name)}")
        schema_editor.add_index(model, self.index, concurrently=True)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(self.index.name)}")


def drop_single_index(apps, schema_editor):
    connection = schema_editor.connection
    quote = schema_editor.quote_name
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, "metrics_requestlog")
    concurrently = "CONCURRENTLY " if connection.vendor == "postgresql" else ""
    for name, constraint in constraints.items():
        if constraint["index"] and constraint["columns"] == ["request_id"]:
            schema_editor.execute(f"DROP INDEX {concurrently}IF EXISTS {quote(name)}")


def restore_single_index(apps, schema_editor):
    quote = schema_editor.quote_name
    schema_editor.execute(
        f"CREATE INDEX {quote('metrics_requestlog_request_id_restored')} ON {quote('metrics_requestlog')}"
        f" ({quote('request_id')})"
    )


def add(index):
    return AddIndex(model_name="requestlog", index=index)


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('metrics', '0003_content_and_reasons'),
    ]

    operations = [
        add(models.Index(fields=['request_id', 'at'], name='request_by_request_id')),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_single_index, restore_single_index)],
            state_operations=[
                migrations.AlterField(
                    model_name='requestlog',
                    name='request_id',
                    field=models.CharField(max_length=128, verbose_name='request id'),
                )
            ],
        ),
        add(models.Index(fields=['api_key', 'at'], name='request_by_key')),
        add(models.Index(fields=['endpoint', 'at'], name='request_by_endpoint')),
        add(models.Index(fields=['provider', 'at'], name='request_by_provider')),
        add(models.Index(fields=['route', 'at'], name='request_by_route')),
        add(models.Index(fields=['requested_model', 'at'], name='request_by_requested')),
        add(models.Index(fields=['category', 'at'], name='request_by_category', condition=models.Q(category__gt=''))),
        add(
            models.Index(
                fields=['operation', 'at'],
                name='request_by_operation',
                condition=models.Q(('operation', 'chat'), _negated=True),
            )
        ),
        add(
            models.Index(
                fields=['at'], name='request_failures', condition=models.Q(('outcome', 'success'), _negated=True)
            )
        ),
    ]
