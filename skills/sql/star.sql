-- Puts a person's star on a skill; if it is new, counts it at once and queues the event.
WITH starred AS (
  INSERT INTO skills_skillstar (skill_id, user_id, starred_at)
  VALUES (%(skill)s, %(user)s, %(now)s)
  ON CONFLICT DO NOTHING
  RETURNING skill_id
), counted AS (
  INSERT INTO skills_skilltotal AS t (skill_id, stars)
  SELECT skill_id, 1 FROM starred
  ON CONFLICT (skill_id) DO UPDATE SET stars = t.stars + 1
)
INSERT INTO skills_statevent (skill_id, kind, occurred_at)
SELECT skill_id, 1, %(now)s FROM starred
