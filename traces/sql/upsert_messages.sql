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
    RETURNING new.id, new.external_id, new.kind, old.id AS was_id, old.kind AS was_kind,
        CASE WHEN new.kind IN ('user', 'assistant') THEN octet_length(new.text) END AS spoken,
        CASE WHEN old.kind IN ('user', 'assistant') THEN octet_length(old.text) END AS was_spoken
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
            - count(*) FILTER (WHERE was_kind IN ('tool_error', 'error')) AS error_count,
        coalesce(sum(spoken), 0) - coalesce(sum(was_spoken), 0) AS conversation_bytes
    FROM written
),
-- How many messages make a summary due (traces/due.py): the first, or as many more.
due AS (
    SELECT CASE covered WHEN 0 THEN %(first)s ELSE covered + %(step)s END AS at,
        coalesce((SELECT is_enabled FROM traces_summarysettings), true) AS site_is_on
    FROM (SELECT summary_message_count AS covered FROM traces_trace WHERE id = %(trace)s) AS c
),
counted AS (
    UPDATE traces_trace AS t SET
        message_count = t.message_count + moved.message_count,
        user_count = t.user_count + moved.user_count,
        assistant_count = t.assistant_count + moved.assistant_count,
        tool_count = t.tool_count + moved.tool_count,
        error_count = t.error_count + moved.error_count,
        conversation_bytes = t.conversation_bytes + moved.conversation_bytes,
        updated_at = statement_timestamp(),
        -- When the sweep looks at it: now, or once it is quiet. Most batches leave it, so that they
        -- write no indexed column. What is under way or waits decides for itself.
        summary_due_at = CASE
            WHEN moved.message_count = 0 OR t.summary_state <> 'idle' THEN t.summary_due_at
            WHEN t.message_count + moved.message_count >= due.at
                THEN least(t.summary_due_at, statement_timestamp())
            WHEN t.message_count + moved.message_count >= %(first)s
                THEN coalesce(t.summary_due_at, statement_timestamp() + %(quiet)s)
            ELSE t.summary_due_at END
    FROM moved, due WHERE t.id = %(trace)s AND moved.touched > 0
    -- Due by this batch: told once, so that one task is queued.
    RETURNING t.message_count, old.summary_state = 'idle' AND old.message_count < due.at
        AND new.message_count >= due.at AND due.site_is_on AS is_due
)
SELECT written.id, written.external_id, written.was_id IS NULL, counted.message_count,
    counted.is_due
FROM written, counted;
