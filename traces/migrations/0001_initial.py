"""Traces and their messages."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import traces.models.trace


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ("accounts", "0005_namespace_allows_some_visibility"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Trace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(db_collation="C", default=traces.models.trace.new_public_id, max_length=22, unique=True)),
                ("external_id", models.CharField(db_collation="C", max_length=255)),
                ("owner_handle", models.CharField(default="", editable=False, max_length=64)),
                ("author_handle", models.CharField(default="", editable=False, max_length=64)),
                ("agent_id", models.CharField(max_length=64)),
                ("model", models.CharField(blank=True, max_length=128)),
                ("client_title", models.CharField(max_length=200)),
                ("own_title", models.CharField(blank=True, max_length=200)),
                ("ai_title", models.CharField(blank=True, max_length=200)),
                ("title", models.GeneratedField(db_persist=True, expression=models.Case(models.When(models.Q(("own_title", ""), _negated=True), then=models.F("own_title")), models.When(models.Q(("ai_title", ""), _negated=True), then=models.F("ai_title")), default=models.F("client_title")), output_field=models.CharField(max_length=200))),
                ("project_path", models.CharField(blank=True, max_length=1024)),
                ("project_name", models.CharField(blank=True, max_length=255)),
                ("git_remote_url", models.CharField(blank=True, db_collation="C", max_length=1024)),
                ("git_branch", models.CharField(blank=True, max_length=255)),
                ("git_ref", models.CharField(blank=True, max_length=255)),
                ("related_to", models.CharField(blank=True, max_length=255)),
                ("relationship_type", models.CharField(blank=True, max_length=64)),
                ("redactions", models.JSONField(default=list)),
                ("visibility", models.CharField(choices=[("public", "Public"), ("direct", "Anybody with the link"), ("private", "Members only")], max_length=8)),
                ("visibility_source", models.CharField(choices=[("client", "Command line"), ("web", "Its page"), ("api", "API")], default="client", max_length=8)),
                ("ai_summary_enabled", models.BooleanField(default=True)),
                ("exclude_from_ai", models.BooleanField(default=False)),
                ("ai_summary", models.TextField(blank=True)),
                ("summary_generated_at", models.DateTimeField(null=True)),
                ("summary_message_count", models.PositiveIntegerField(default=0)),
                ("generation", models.PositiveIntegerField(default=1)),
                ("unpublished_at", models.DateTimeField(null=True)),
                ("purged_below", models.PositiveIntegerField(default=1)),
                ("message_count", models.PositiveIntegerField(default=0, editable=False)),
                ("user_count", models.PositiveIntegerField(default=0, editable=False)),
                ("assistant_count", models.PositiveIntegerField(default=0, editable=False)),
                ("tool_count", models.PositiveIntegerField(default=0, editable=False)),
                ("error_count", models.PositiveIntegerField(default=0, editable=False)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("created_by", models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="traces", to=settings.AUTH_USER_MODEL)),
                ("namespace", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="traces", to="accounts.namespace")),
            ],
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("generation", models.PositiveIntegerField()),
                ("external_id", models.CharField(db_collation="C", max_length=255)),
                ("position", models.IntegerField()),
                ("role", models.CharField(max_length=32)),
                ("kind", models.CharField(choices=[("user", "User"), ("wrapper", "Added by the agent"), ("assistant", "Assistant"), ("thinking", "Thinking"), ("tool_call", "Tool call"), ("tool_result", "Tool result"), ("tool_error", "Failed tool result"), ("error", "Error"), ("other", "Other")], db_collation="C", max_length=12)),
                ("tool", models.CharField(blank=True, max_length=128)),
                ("model", models.CharField(blank=True, max_length=128)),
                ("text", models.TextField(null=True)),
                ("parts", models.JSONField()),
                ("redactions", models.JSONField(default=list)),
                ("sent_at", models.DateTimeField()),
                ("content_hash", models.BinaryField(max_length=16)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ("trace", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="messages", to="traces.trace")),
            ],
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(condition=models.Q(("unpublished_at__isnull", True), ("visibility", "public")), fields=["-id"], name="trace_feed"),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(condition=models.Q(("unpublished_at__isnull", True), ("visibility", "public")), fields=["agent_id", "-id"], name="trace_feed_of_agent"),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(condition=models.Q(("unpublished_at__isnull", True), ("visibility", "public"), models.Q(("git_remote_url", ""), _negated=True)), fields=["git_remote_url", "-id"], name="trace_feed_of_repository"),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(condition=models.Q(("unpublished_at__isnull", True), ("visibility", "public")), fields=["namespace", "-id"], name="trace_public_of_ns"),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(condition=models.Q(("unpublished_at__isnull", True)), fields=["namespace", "-id"], name="trace_of_ns"),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(condition=models.Q(("unpublished_at__isnull", True)), fields=["created_by", "namespace", "-id"], name="trace_of_author"),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(condition=models.Q(("unpublished_at__isnull", True), models.Q(("git_remote_url", ""), _negated=True)), fields=["namespace", "git_remote_url", "-id"], name="trace_of_ns_repository"),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(condition=models.Q(("visibility", "private"), _negated=True), fields=["external_id", "id"], name="trace_by_external_id"),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(condition=models.Q(("generation__gt", models.F("purged_below"))), fields=["id"], name="trace_to_purge"),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.search.SearchVector("title", "ai_summary", config="english"), name="trace_by_words"),
        ),
        migrations.AddConstraint(
            model_name="trace",
            constraint=models.UniqueConstraint(models.F("namespace"), models.F("external_id"), name="trace_once_per_owner"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["trace", "generation", "position", "id"], name="message_in_order"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["trace", "generation", "kind", "position", "id"], name="message_of_kind"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.search.SearchVector(django.db.models.functions.text.Left("text", 4000), config="english"), condition=models.Q(("kind", "user")), name="message_by_words"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(models.F("trace"), models.F("generation"), models.F("external_id"), name="message_once_per_trace"),
        ),
    ]
