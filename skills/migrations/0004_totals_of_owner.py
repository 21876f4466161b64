from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("skills", "0003_counting")]

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
