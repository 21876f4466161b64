from django.contrib.postgres.operations import CreateExtension, TrigramExtension, UnaccentExtension
from django.db import migrations


class Migration(migrations.Migration):
    """What the whole database stands on. The rate table is UNLOGGED: a crash may forget counts."""

    dependencies = []

    operations = [
        CreateExtension("vector"),
        TrigramExtension(),
        UnaccentExtension(),
        CreateExtension("pg_stat_statements"),
        migrations.RunSQL(
            "CREATE UNLOGGED TABLE config_rate_limit ("
            " key bytea PRIMARY KEY, window_number bigint NOT NULL, hits integer NOT NULL)"
            " WITH (fillfactor = 70)",
            "DROP TABLE config_rate_limit",
        ),
    ]
