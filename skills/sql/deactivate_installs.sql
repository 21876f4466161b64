-- Gives up installs that no client has reported since %(before)s, oldest first, and queues that.
WITH unseen AS (
  UPDATE skills_skillinstall SET is_active = false
   WHERE id = ANY (ARRAY(
     SELECT id FROM skills_skillinstall WHERE is_active AND last_seen_at < %(before)s
      ORDER BY last_seen_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
  RETURNING skill_id
)
INSERT INTO skills_statevent (skill_id, kind, occurred_at)
SELECT skill_id, 5, %(now)s FROM unseen
