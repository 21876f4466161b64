import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Reserved names and the quality gate; why a skill is held behind it."""

    dependencies = [
        ('skills', '0011_comments'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='skillhold',
            name='detail',
            field=models.CharField(blank=True, db_default='', default='', max_length=300),
        ),
        migrations.CreateModel(
            name='QualityGate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_enabled', models.BooleanField(default=True)),
                ('min_readme_characters', models.PositiveIntegerField(default=60)),
                ('min_description_characters', models.PositiveIntegerField(default=10)),
                ('min_account_age_days', models.PositiveIntegerField(default=0)),
                ('trusted_after_days', models.PositiveIntegerField(default=14)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='qualitygate_is_one')],
            },
        ),
        migrations.CreateModel(
            name='ReservedSlug',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.CharField(db_collation='C', max_length=120, unique=True)),
                ('reason', models.CharField(max_length=300)),
                ('reserved_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('reserved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
    ]
