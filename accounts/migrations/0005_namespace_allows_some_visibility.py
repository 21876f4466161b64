"""A namespace that allowed no visibility at all could hold no trace."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_namespace_trace_policies"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='namespace',
            constraint=models.CheckConstraint(condition=models.Q(('trace_visibilities__len__gt', 0)), name='namespace_allows_some_visibility'),
        ),
    ]
