from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

OPEN_AT_SOME_TIME = ~Q(visibility="private") | Q(link_ends_at__isnull=False)
LINK_ENDS = Q(link_ends_at__isnull=False, visibility="direct")


class Migration(migrations.Migration):
    """What the job makes private; and a client's id stays claimed by a trace whose link ended."""

    atomic = False

    dependencies = [("traces", "0012_link_ends")]

    operations = [
        AddIndexConcurrently(
            "trace",
            models.Index(fields=["link_ends_at", "id"], name="trace_link_ends", condition=LINK_ENDS),
        ),
        # Built anew beside the old one, which the last release reads until then.
        AddIndexConcurrently(
            "trace",
            models.Index(
                fields=["external_id", "id"],
                name="trace_by_external_id_new",
                condition=OPEN_AT_SOME_TIME,
            ),
        ),
        RemoveIndexConcurrently("trace", "trace_by_external_id"),
        migrations.RenameIndex(
            "trace", new_name="trace_by_external_id", old_name="trace_by_external_id_new"
        ),
    ]
