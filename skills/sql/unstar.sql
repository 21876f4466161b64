-- Takes a person's star away; if there was one, counts it at once and queues the event.
WITH gone AS (
  DELETE FROM skills_skillstar WHERE skill_id = %(skill)s AND user_id = %(user)s
  RETURNING skill_id
), counted AS (
  UPDATE skills_skilltotal t SET stars = t.stars - 1 FROM gone WHERE t.skill_id = gone.skill_id
)
INSERT INTO skills_statevent (skill_id, kind, occurred_at)
SELECT skill_id, 2, %(now)s FROM gone
