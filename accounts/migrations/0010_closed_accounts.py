from django.db import migrations, models


class Migration(migrations.Migration):
    """When people deleted their account, and who writes an export of it."""

    dependencies = [
        ('accounts', '0009_namespaces_with_limited_summaries'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='closed_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='erased_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='export_token',
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='export_until',
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
