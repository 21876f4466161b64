-- Notes that a person's client has these skills installed, and queues what is news: a first
-- install, or one that had been given up as unseen. An install seen within a day is not written.
-- A skill deleted since the report was read is passed over: it must not refuse all others.
WITH seen AS (
  INSERT INTO skills_skillinstall AS i (skill_id, user_id, is_active, first_seen_at, last_seen_at)
  SELECT skill_id, %(user)s, true, %(now)s, %(now)s
    FROM unnest(%(skills)s::bigint[]) AS skill_id
   WHERE EXISTS (SELECT FROM skills_skill WHERE id = skill_id) ORDER BY skill_id
  ON CONFLICT (user_id, skill_id) DO UPDATE SET is_active = true, last_seen_at = excluded.last_seen_at
   WHERE NOT i.is_active OR i.last_seen_at < excluded.last_seen_at - interval '1 day'
  RETURNING i.skill_id, old.skill_id IS NULL AS is_new, old.is_active AS was_active
)
INSERT INTO skills_statevent (skill_id, kind, occurred_at)
SELECT skill_id, CASE WHEN is_new THEN 3 ELSE 4 END, %(now)s
  FROM seen WHERE is_new OR NOT was_active
