-- The messages of one chunk of a page, each cut to what a page shows of it: the whole of a message
-- may be half a megabyte, and sixty of them do not leave the database.
-- Caller: traces/chunk_rows.py, which writes @compare, @order and @tools.
WITH keys AS (
    -- At most so many of each kind, each from its own index, so that no stretch of other kinds is
    -- walked through.
    SELECT m.id, m.position
    FROM unnest(%(kinds)s::text[]) AS k (kind) @tools
    CROSS JOIN LATERAL (
        SELECT id, position FROM traces_message
        WHERE trace_id = %(trace)s AND generation = %(generation)s AND kind = k.kind @tool
            AND (position, id) @compare (%(position)s, %(id)s)
        ORDER BY position @order, id @order LIMIT %(limit)s
    ) AS m
    ORDER BY m.position @order, m.id @order LIMIT %(limit)s
)
SELECT m.id, m.position, m.external_id, m.kind, m.tool, m.model, m.sent_at, m.redactions,
    left(m.text, %(cut)s), octet_length(m.text), jsonb_array_length(m.parts),
    (SELECT jsonb_agg(jsonb_build_array(
            left(p ->> 'type', 32), left(c ->> 'callId', 255), left(c ->> 'toolName', 128),
            c ->> 'status' = 'error', left(said, %(cut)s), octet_length(said), args)
        ORDER BY n)
    FROM jsonb_array_elements(m.parts) WITH ORDINALITY AS e (p, n)
    CROSS JOIN LATERAL (SELECT p -> 'content' AS c) AS content
    CROSS JOIN LATERAL (SELECT CASE p ->> 'type'
        WHEN 'tool_call' THEN NULL
        WHEN 'tool_result' THEN c ->> 'output'
        WHEN 'error' THEN c ->> 'message'
        WHEN 'text' THEN c ->> 'text'
        WHEN 'thinking' THEN c ->> 'text'
        ELSE c #>> '{}' END AS said) AS told
    -- What a tool was given: its arguments one by one, so that each is cut by itself.
    CROSS JOIN LATERAL (SELECT CASE WHEN p ->> 'type' = 'tool_call' THEN (
        SELECT jsonb_agg(jsonb_build_array(left(key, 80), left(value #>> '{}', %(cut)s),
            octet_length(value #>> '{}')))
        FROM (SELECT key, value FROM jsonb_each(CASE jsonb_typeof(c -> 'args')
            WHEN 'object' THEN c -> 'args' ELSE jsonb_build_object('', c -> 'args') END)
            WHERE key <> '' OR value <> 'null'
            LIMIT %(args)s) AS a
        ) END AS args) AS called
    WHERE n <= %(parts)s)
FROM keys JOIN traces_message AS m USING (id)
ORDER BY m.position, m.id
