from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Replace


class Migration(migrations.Migration):
    """Handles that look alike, for the choice of a new person's name."""

    atomic = False

    dependencies = [
        ('accounts', '0012_session_generation'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='namespace',
            index=models.Index(Replace(models.Func(models.Func('handle', models.Value('[^a-z0-9]'), models.Value(''), models.Value('g'), function='regexp_replace', output_field=models.CharField()), models.Value('01l'), models.Value('oii'), function='translate', output_field=models.CharField()), models.Value('rn'), models.Value('m'), output_field=models.CharField()), name='namespace_by_look'),
        ),
    ]
