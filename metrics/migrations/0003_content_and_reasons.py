"""A table for the content of requests whose key asks for it, and two columns that say how a request was routed.

The columns may be null, so that adding them rewrites no large table, and workers of the version before go on writing.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('metrics', '0002_totals'),
    ]

    operations = [
        migrations.CreateModel(
            name='RequestContent',
            fields=[
                ('id', models.CharField(max_length=26, primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_index=True, verbose_name='at')),
                ('api_key', models.CharField(blank=True, max_length=100, verbose_name='API key')),
                ('prompt', models.TextField(blank=True, verbose_name='prompt')),
                ('answer', models.TextField(blank=True, verbose_name='answer')),
                ('prompt_truncated', models.BooleanField(default=False, verbose_name='prompt cut')),
                ('answer_truncated', models.BooleanField(default=False, verbose_name='answer cut')),
                ('redactions', models.PositiveIntegerField(default=0, verbose_name='redactions')),
            ],
            options={
                'verbose_name': 'content of a request',
                'verbose_name_plural': 'contents of requests',
                'ordering': ['-at', '-id'],
            },
        ),
        migrations.AddField(
            model_name='requestlog',
            name='how',
            field=models.CharField(blank=True, max_length=16, null=True, verbose_name='found as'),
        ),
        migrations.AddField(
            model_name='requestlog',
            name='strategy',
            field=models.CharField(blank=True, max_length=32, null=True, verbose_name='strategy'),
        ),
    ]
