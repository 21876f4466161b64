from django.db import migrations, models


class Migration(migrations.Migration):
    """How many skills the list shows of each category."""

    dependencies = [("skills", "0019_skills_to_embed")]

    operations = [
        migrations.CreateModel(
            name='CategoryTotal',
            fields=[
                ('category', models.CharField(db_collation='C', max_length=24, primary_key=True, serialize=False)),
                ('skills', models.BigIntegerField()),
                ('clean_skills', models.BigIntegerField()),
            ],
        ),
    ]
