from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The index that an owner's sums are read from, without a row of the list."""

    atomic = False

    dependencies = [("skills", "0004_skill_off_boards")]

    operations = [
        AddIndexConcurrently(
            model_name="skilllisting",
            index=models.Index(
                fields=["owner_handle"],
                include=["downloads", "installs_all_time", "stars"],
                name="listing_totals_of_owner",
                condition=models.Q(facet=""),
            ),
        ),
    ]
