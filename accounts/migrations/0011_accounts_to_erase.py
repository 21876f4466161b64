from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The closed accounts of which something is left, for the job that erases them."""

    atomic = False

    dependencies = [
        ('accounts', '0010_closed_accounts'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='user',
            index=models.Index(condition=models.Q(('closed_at__isnull', False), ('erased_at__isnull', True)), fields=['id'], name='user_to_erase'),
        ),
    ]
