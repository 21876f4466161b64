import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Files that are sent ahead of their version."""

    dependencies = [
        ('skills', '0014_prereleases'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='UploadTicket',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(db_collation='C', max_length=43, unique=True)),
                ('size_bytes', models.PositiveBigIntegerField()),
                ('sha256', models.CharField(db_collation='C', max_length=64)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('expires_at', models.DateTimeField()),
                ('uploaded_at', models.DateTimeField(null=True)),
                ('used_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['user', 'expires_at'], include=('size_bytes', 'used_at'), name='uploadticket_of_user'), models.Index(fields=['expires_at'], name='uploadticket_by_expiry')],
                'constraints': [models.CheckConstraint(condition=models.Q(('used_at__isnull', True), ('uploaded_at__isnull', False), _connector='OR'), name='uploadticket_used_is_uploaded')],
            },
        ),
    ]
