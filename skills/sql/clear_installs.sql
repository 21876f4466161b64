-- Forgets every install of a person whose account goes, and queues that they no longer count.
WITH gone AS (
  DELETE FROM skills_skillinstall WHERE user_id = %(user)s RETURNING skill_id, is_active
)
INSERT INTO skills_statevent (skill_id, kind, delta, occurred_at)
SELECT skill_id, 6, CASE WHEN is_active THEN -1 ELSE 0 END, %(now)s FROM gone
