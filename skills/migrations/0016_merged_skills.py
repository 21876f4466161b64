from django.db import migrations, models


class Migration(migrations.Migration):
    """Skills that were merged into another one."""

    dependencies = [
        ('skills', '0015_upload_tickets'),
    ]

    operations = [
        migrations.AddField(
            model_name='skill',
            name='merged_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
