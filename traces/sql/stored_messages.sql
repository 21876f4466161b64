-- Which of these messages stand in the live generation of a published trace, with what their content
-- hashes to, and how many there are. By hand, because composing it took longer than running it, and
-- every batch that is sent again asks for nothing else. The unique index of messages answers it.
SELECT
    message.external_id,
    message.id,
    message.content_hash,
    message.generation,
    trace.message_count
FROM traces_trace AS trace
JOIN traces_message AS message ON message.trace_id = trace.id AND message.generation = trace.generation
WHERE
    trace.namespace_id = %(namespace)s
    AND trace.external_id = %(trace)s
    -- As `TraceQuerySet.published` says.
    AND trace.unpublished_at IS NULL
    AND NOT trace.is_withheld
    AND message.external_id = ANY(%(messages)s)
