-- The skills that may be on a board: the best %(keep)s of its window and all that tie with the last.
--
-- Ranks are given in Python (skills/ranking.py); what it needs to know of a skill is joined only to
-- these few. Whoever wants more asks again with a larger %(keep)s.
WITH counted AS MATERIALIZED (
  -- What happened to each skill in the window. Two of the three sources are constantly false, and
  -- the planner drops them. Without a download, a new install or a gained star there is no rank.
  SELECT skill_id, sum(downloads)::bigint AS downloads, sum(installs_new)::bigint AS installs,
         sum(stars)::bigint AS stars
    FROM (
      SELECT skill_id, downloads, installs_new, stars FROM skills_skillhourlystat
       WHERE %(source)s = 'hours' AND hour BETWEEN %(first)s AND %(last)s
      UNION ALL
      SELECT skill_id, downloads, installs_new, stars FROM skills_skilldailystat
       WHERE %(source)s = 'days' AND day BETWEEN %(first)s AND %(last)s
      UNION ALL
      SELECT skill_id, downloads, installs_new, stars FROM skills_skilltotal
       WHERE %(source)s = 'ever'
    ) counts
   GROUP BY skill_id
  HAVING sum(downloads) > 0 OR sum(installs_new) > 0 OR sum(stars) > 0
), leaders AS (
  SELECT c.skill_id, c.downloads, c.installs, c.stars
    FROM counted c
   -- Before the cut, or a board would be short by as many as it leaves out: who is not public, and
   -- who reads "Not scanned". The index skill_off_boards holds just these, in these very words.
   WHERE NOT EXISTS (
           SELECT FROM skills_skill k
            WHERE k.id = c.skill_id
              AND (k.moderation_status <> 'active'
                   OR k.soft_deleted_at IS NOT NULL
                   OR k.latest_version_summary IS NULL
                   OR (k.moderation_reason::text ~ %(unscanned)s AND NOT k.is_suspicious)))
     -- The newest first publications stand at the head of the list's index by creation.
     AND (%(born_after)s::timestamptz IS NULL
          OR c.skill_id IN (SELECT l.skill_id FROM skills_skilllisting l
                             WHERE l.facet = '' AND l.created_at >= %(born_after)s))
   ORDER BY c.downloads DESC, c.installs DESC, c.stars DESC
   FETCH FIRST %(keep)s ROWS WITH TIES
)
-- At least one row, for the total. A skill deleted beside us has counts and no owner: the caller
-- drops it, but must know that it was among the best.
SELECT total.downloads, l.skill_id, k.namespace_id, l.downloads, l.installs, l.stars,
       k.created_at, k.is_suspicious
  FROM (SELECT coalesce(sum(downloads), 0)::bigint AS downloads FROM counted) total
  LEFT JOIN leaders l ON true
  LEFT JOIN skills_skill k ON k.id = l.skill_id
