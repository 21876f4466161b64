-- Marks that a visitor downloaded a skill on a UTC day, and queues the event if the mark is new.
WITH mark AS (
  INSERT INTO skills_downloadmark (day, skill_id, visitor)
  VALUES (%(day)s, %(skill)s, %(visitor)s)
  ON CONFLICT DO NOTHING
  RETURNING skill_id
)
INSERT INTO skills_statevent (skill_id, kind, occurred_at)
SELECT skill_id, 0, %(now)s FROM mark
