-- Where the messages of some kinds stand between two places: keys alone, from the index of kinds.
-- Caller: traces/chunk_rows.py.
SELECT m.position, m.id, k.kind
FROM unnest(%(kinds)s::text[]) AS k (kind)
CROSS JOIN LATERAL (
    SELECT position, id FROM traces_message
    WHERE trace_id = %(trace)s AND generation = %(generation)s AND kind = k.kind
        AND (position, id) > (%(position)s, %(id)s)
        AND (position, id) < (%(to_position)s, %(to_id)s)
    ORDER BY position, id LIMIT %(limit)s
) AS m
ORDER BY m.position, m.id LIMIT %(limit)s
