
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_device_logins_and_invites'),
        ('traces', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('redactions', []), _negated=True), fields=['trace', 'generation', 'position', 'id'], name='message_redacted'),
        ),
        migrations.AddIndex(
            model_name='trace',
            index=models.Index(condition=models.Q(('unpublished_at__isnull', True)), fields=['created_by', 'namespace', 'visibility', '-id'], name='trace_of_author_open_to'),
        ),
        migrations.AddIndex(
            model_name='trace',
            index=models.Index(condition=models.Q(('unpublished_at__isnull', True)), fields=['namespace', 'visibility', '-id'], name='trace_of_ns_open_to'),
        ),
    ]
