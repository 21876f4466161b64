from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

PUBLISHED = Q(("is_withheld", False), ("unpublished_at__isnull", True))
PUBLIC = PUBLISHED & Q(visibility="public")
OF_REPOSITORY = ~Q(git_remote_url="")
LISTS = {
    "trace_feed": (["-id"], PUBLIC),
    "trace_feed_of_agent": (["agent_id", "-id"], PUBLIC),
    "trace_feed_of_repository": (["git_remote_url", "-id"], PUBLIC & OF_REPOSITORY),
    "trace_public_of_ns": (["namespace", "-id"], PUBLIC),
    "trace_of_ns": (["namespace", "-id"], PUBLISHED),
    "trace_of_author": (["created_by", "namespace", "-id"], PUBLISHED),
    "trace_of_author_open_to": (["created_by", "namespace", "visibility", "-id"], PUBLISHED),
    "trace_of_ns_open_to": (["namespace", "visibility", "-id"], PUBLISHED),
    "trace_of_ns_repository": (["namespace", "git_remote_url", "-id"], PUBLISHED & OF_REPOSITORY),
}


def rebuilt(name: str, fields: list[str], condition: Q) -> list[migrations.operations.base.Operation]:
    """Build the index anew beside the old one, which lists read until then."""
    new = models.Index(fields=fields, name=f"{name}_new", condition=condition)
    return [
        AddIndexConcurrently("trace", new),
        RemoveIndexConcurrently("trace", name),
        migrations.RenameIndex("trace", new_name=name, old_name=f"{name}_new"),
    ]


class Migration(migrations.Migration):
    """The indexes of lists hold nothing that a ban withholds; what it withholds has its own."""

    atomic = False

    dependencies = [("traces", "0005_fill_withheld_traces")]

    operations = [
        AddIndexConcurrently(
            "trace",
            models.Index(fields=["created_by", "is_withheld", "-id"], name="trace_by_person"),
        ),
        *(step for name, of in LISTS.items() for step in rebuilt(name, *of)),
    ]
