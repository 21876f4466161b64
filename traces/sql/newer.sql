-- How many messages of some kinds stand behind a place, counted up to a bound, and when the newest
-- of the trace came: the last of each kind. All from the index of kinds. Caller:
-- traces/chunk_rows.py.
SELECT (
    SELECT count(*) FROM (
        SELECT 1
        FROM unnest(%(kinds)s::text[]) AS k (kind)
        CROSS JOIN LATERAL (
            SELECT 1 FROM traces_message
            WHERE trace_id = %(trace)s AND generation = %(generation)s AND kind = k.kind
                AND (position, id) > (%(position)s, %(id)s)
            ORDER BY position, id LIMIT %(limit)s
        ) AS m
        LIMIT %(limit)s
    ) AS counted
), (
    SELECT max(m.created_at)
    FROM unnest(%(every)s::text[]) AS k (kind)
    CROSS JOIN LATERAL (
        SELECT created_at FROM traces_message
        WHERE trace_id = %(trace)s AND generation = %(generation)s AND kind = k.kind
        ORDER BY position DESC, id DESC LIMIT 1
    ) AS m
)
