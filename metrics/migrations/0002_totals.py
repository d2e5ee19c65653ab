"""Sums since ever beside the hours, and the mark from which statistics count. Filled from the hours there are.

Two things begin afresh: the skips for an endpoint's own limit, since the hours before counted others with them, and the
histograms, whose merging would keep drainers waiting. What workers of the version before drain later (PostgreSQL,
several hosts) is in their hours alone.
"""

from django.db import migrations, models
from django.db.models import Sum

NAMES = ("model", "api_key", "provider", "endpoint", "currency")
NUMBERS = ("requests", "succeeded", "failed", "cancelled", "tries", "failed_tries", "failovers", "prompt_tokens",
           "completion_tokens", "cached_tokens", "reasoning_tokens", "cost", "unpriced", "duration_ms")
DRAINERS = 7_403_218_650  # the lock under which hours grow


def fill(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"SELECT pg_advisory_xact_lock({DRAINERS})")
    sums = {f"sum_{name}": Sum(name) for name in NUMBERS}
    Total = apps.get_model("metrics", "UsageTotal")
    rows = apps.get_model("metrics", "UsageHour").objects.order_by().values(*NAMES).annotate(**sums)
    Total.objects.bulk_create(
        (
            Total(**{name: row[name] for name in NAMES}, **{name: row[f"sum_{name}"] for name in NUMBERS})
            for row in rows.iterator()
        ),
        batch_size=500,
    )


class Migration(migrations.Migration):

    dependencies = [
        ('metrics', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='StatsMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.FloatField(verbose_name='reset')),
                ('baseline', models.JSONField(default=list)),
            ],
            options={
                'verbose_name': 'reset of the statistics',
                'verbose_name_plural': 'resets of the statistics',
            },
        ),
        migrations.AlterField(
            model_name='usagehour',
            name='limit_skips',
            field=models.PositiveBigIntegerField(default=0, verbose_name='skipped for its limit'),
        ),
        migrations.CreateModel(
            name='UsageTotal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('requests', models.PositiveBigIntegerField(default=0, verbose_name='requests')),
                ('succeeded', models.PositiveBigIntegerField(default=0, verbose_name='succeeded')),
                ('failed', models.PositiveBigIntegerField(default=0, verbose_name='failed')),
                ('cancelled', models.PositiveBigIntegerField(default=0, verbose_name='cancelled')),
                ('tries', models.PositiveBigIntegerField(default=0, verbose_name='tries')),
                ('failed_tries', models.PositiveBigIntegerField(default=0, verbose_name='failed tries')),
                ('failovers', models.PositiveBigIntegerField(default=0, verbose_name='failovers')),
                ('limit_skips', models.PositiveBigIntegerField(default=0, verbose_name='skipped for its limit')),
                ('prompt_tokens', models.PositiveBigIntegerField(default=0, verbose_name='prompt tokens')),
                ('completion_tokens', models.PositiveBigIntegerField(default=0, verbose_name='completion tokens')),
                ('cached_tokens', models.PositiveBigIntegerField(default=0, verbose_name='cached tokens')),
                ('reasoning_tokens', models.PositiveBigIntegerField(default=0, verbose_name='reasoning tokens')),
                ('cost', models.DecimalField(decimal_places=12, default=0, max_digits=24, verbose_name='cost')),
                ('unpriced', models.PositiveBigIntegerField(default=0, verbose_name='requests without a known cost')),
                ('duration_ms', models.FloatField(default=0, verbose_name='sum of durations')),
                ('latency', models.JSONField(default=dict, verbose_name='latency histogram')),
                ('first_content', models.JSONField(default=dict, verbose_name='first content histogram')),
                ('model', models.CharField(blank=True, max_length=200, verbose_name='model')),
                ('api_key', models.CharField(blank=True, max_length=100, verbose_name='API key')),
                ('provider', models.CharField(blank=True, max_length=63, verbose_name='provider')),
                ('endpoint', models.CharField(blank=True, max_length=200, verbose_name='endpoint')),
                ('currency', models.CharField(blank=True, max_length=3, verbose_name='currency')),
            ],
            options={
                'verbose_name': 'usage since ever',
                'verbose_name_plural': 'usage since ever',
                'constraints': [models.UniqueConstraint(fields=('model', 'api_key', 'provider', 'endpoint', 'currency'), name='usage_total')],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
