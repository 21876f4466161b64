-- The first turns of a person and the first errors of a trace, each from the index of kinds.
-- Caller: traces/chunk_rows.py.
SELECT m.position, k.kind, m.tool, m.label
FROM unnest(%(kinds)s::text[]) AS k (kind)
CROSS JOIN LATERAL (
    SELECT position, id, tool, left(text, 200) AS label FROM traces_message
    WHERE trace_id = %(trace)s AND generation = %(generation)s AND kind = k.kind
    ORDER BY position, id LIMIT %(limit)s
) AS m
ORDER BY m.position, m.id LIMIT %(limit)s
