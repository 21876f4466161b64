-- Stores the new and changed messages of one batch and moves the counts of their trace, in one
-- statement. The caller holds the trace's lock, which serialises batches; caller:
-- traces/services/ingest.py.
WITH incoming AS (
    SELECT * FROM jsonb_to_recordset(%(messages)s::jsonb) AS x (
        external_id text, position integer, role text, kind text, tool text, model text,
        text text, parts jsonb, redactions jsonb, sent_at bigint, content_hash text)
),
-- A known message keeps the time it was first sent with. One whose hash is equal is not written.
written AS (
    INSERT INTO traces_message AS m (
        trace_id, generation, external_id, position, role, kind, tool, model, text, parts,
        redactions, sent_at, content_hash)
    SELECT %(trace)s, %(generation)s, external_id, position, role, kind, tool, model, text, parts,
        redactions, to_timestamp(sent_at / 1000.0), decode(content_hash, 'hex')
    FROM incoming ORDER BY external_id
    ON CONFLICT (trace_id, generation, external_id) DO UPDATE SET
        position = excluded.position, role = excluded.role, kind = excluded.kind,
        tool = excluded.tool, model = excluded.model, text = excluded.text,
        parts = excluded.parts, redactions = excluded.redactions,
        content_hash = excluded.content_hash
    WHERE m.content_hash IS DISTINCT FROM excluded.content_hash
    RETURNING new.id, new.external_id, new.kind, old.id AS was_id, old.kind AS was_kind
),
-- Counts move by what was really inserted, and by messages that changed their kind.
moved AS (
    SELECT count(*) AS touched,
        count(*) FILTER (WHERE was_id IS NULL) AS message_count,
        count(*) FILTER (WHERE kind = 'user')
            - count(*) FILTER (WHERE was_kind = 'user') AS user_count,
        count(*) FILTER (WHERE kind IN ('assistant', 'thinking'))
            - count(*) FILTER (WHERE was_kind IN ('assistant', 'thinking')) AS assistant_count,
        count(*) FILTER (WHERE kind IN ('tool_call', 'tool_result', 'tool_error'))
            - count(*) FILTER (WHERE was_kind IN ('tool_call', 'tool_result', 'tool_error'))
            AS tool_count,
        count(*) FILTER (WHERE kind IN ('tool_error', 'error'))
            - count(*) FILTER (WHERE was_kind IN ('tool_error', 'error')) AS error_count
    FROM written
),
counted AS (
    UPDATE traces_trace AS t SET
        message_count = t.message_count + moved.message_count,
        user_count = t.user_count + moved.user_count,
        assistant_count = t.assistant_count + moved.assistant_count,
        tool_count = t.tool_count + moved.tool_count,
        error_count = t.error_count + moved.error_count,
        updated_at = statement_timestamp()
    FROM moved WHERE t.id = %(trace)s AND moved.touched > 0
    RETURNING t.message_count
)
SELECT written.id, written.external_id, written.was_id IS NULL, counted.message_count
FROM written, counted;
