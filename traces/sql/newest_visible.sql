-- The newest messages that match and that the asker may list. What matches comes sorted, and each
-- one's trace is looked up in that order, so that a word in every message costs as many traces as
-- are shown and not as many as there are. Caller: traces/search.py, which writes two queries in:
-- of messages, and of the traces of `m`.
SELECT m.place FROM (@matches OFFSET 0) AS m
CROSS JOIN LATERAL (@visible LIMIT 1) AS seen
ORDER BY m.id DESC LIMIT %s
