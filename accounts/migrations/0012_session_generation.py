from django.db import migrations, models


class Migration(migrations.Migration):
    """What signs a person out of every browser."""

    dependencies = [
        ('accounts', '0011_accounts_to_erase'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='session_generation',
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
