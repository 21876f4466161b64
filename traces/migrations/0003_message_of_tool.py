import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('traces', '0002_lists_of_authors'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='message',
            index=models.Index(models.F('trace'), models.F('generation'), django.db.models.functions.text.Lower('tool'), models.F('kind'), models.F('position'), models.F('id'), condition=models.Q(('tool', ''), _negated=True), name='message_of_tool'),
        ),
    ]
