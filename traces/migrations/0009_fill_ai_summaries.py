from django.db import migrations

# Traces that stand there already: what their messages say, their namespaces' switch, and a look at
# each that is long enough. One pass; ingest waits for a row only while it is written.
FILL = """
UPDATE traces_trace t SET
    conversation_bytes = coalesce((
        SELECT sum(octet_length(m.text)) FROM traces_message m
        WHERE m.trace_id = t.id AND m.generation = t.generation
            AND m.kind IN ('user', 'assistant')), 0),
    namespace_summarises = (
        SELECT n.ai_summary_enabled AND NOT n.ai_summary_off_by_staff
        FROM accounts_namespace n WHERE n.id = t.namespace_id),
    summary_due_at = CASE WHEN t.message_count >= 4 THEN now() END
"""


class Migration(migrations.Migration):
    """Fill the columns of AI summaries; going back needs nothing, the columns go."""

    dependencies = [("traces", "0008_ai_summary_records")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
