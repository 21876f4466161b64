"""How command lines sign in, and how people come into organisations."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_namespace_allows_some_visibility'),
    ]

    operations = [
        migrations.CreateModel(
            name='DeviceLogin',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state_sha256', models.CharField(db_collation='C', editable=False, max_length=64, unique=True)),
                ('device_id', models.CharField(max_length=100)),
                ('expires_at', models.DateTimeField()),
                ('status', models.CharField(choices=[('pending', 'Waiting for an answer'), ('approved', 'Approved'), ('denied', 'Denied'), ('used', 'Used')], default='pending', editable=False, max_length=8)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('user', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['expires_at'], name='devicelogin_by_end')],
            },
        ),
        migrations.CreateModel(
            name='DeviceSession',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('device_id', models.CharField(max_length=100)),
                ('lookup_id', models.CharField(db_collation='C', editable=False, max_length=8, unique=True)),
                ('secret_sha256', models.BinaryField(max_length=32)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('last_used_at', models.DateTimeField(editable=False, null=True)),
                ('expires_at', models.DateTimeField(editable=False)),
                ('revoked_at', models.DateTimeField(editable=False, null=True)),
                ('active_namespace', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.namespace')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='device_sessions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-id'], name='devicesession_of_user'), models.Index(fields=['expires_at'], name='devicesession_by_end')],
            },
        ),
        migrations.CreateModel(
            name='Invite',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('max_uses', models.PositiveIntegerField(default=1)),
                ('expires_at', models.DateTimeField()),
                ('code_sha256', models.BinaryField(max_length=32, unique=True)),
                ('uses', models.PositiveIntegerField(default=0, editable=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('revoked_at', models.DateTimeField(editable=False, null=True)),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('namespace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='invites', to='accounts.namespace')),
            ],
            options={
                'indexes': [models.Index(fields=['namespace', '-id'], name='invite_of_namespace'), models.Index(fields=['expires_at'], name='invite_by_end')],
                'constraints': [models.CheckConstraint(condition=models.Q(('max_uses', 0), ('uses__lte', models.F('max_uses')), _connector='OR'), name='invite_used_as_often_as_allowed')],
            },
        ),
    ]
