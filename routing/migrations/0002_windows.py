"""The sliding windows' tables; on PostgreSQL also the function that every worker calls (``frozen/0002_postgresql.sql``)."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models


def make_function(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        statement = (Path(__file__).parent / "frozen" / "0002_postgresql.sql").read_text(encoding="utf-8")
        schema_editor.execute(statement, params=None)


def drop_function(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION IF EXISTS switchyard_windows_1(jsonb, text[], bigint)")


class Migration(migrations.Migration):

    dependencies = [
        ('routing', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='LimitWindow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=1000)),
                ('requests', models.BigIntegerField(default=0)),
                ('tokens', models.BigIntegerField(default=0)),
                ('fades_at', models.BigIntegerField(db_index=True, default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('key',), name='limit_window_key')],
            },
        ),
        migrations.CreateModel(
            name='LimitHit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.BigIntegerField()),
                ('tokens', models.BigIntegerField()),
                ('window', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='routing.limitwindow')),
            ],
            options={
                'indexes': [models.Index(fields=['window', 'at'], name='limit_hit_age')],
            },
        ),
        migrations.RunPython(make_function, drop_function),
    ]
