-- The best %(keep)s skills of a board's window, in the order of the terms that are counted.
--
-- Ranks are given in Python (skills/ranking.py); what it needs to know of a skill is joined only to
-- these few. Whoever wants more asks again with a larger %(keep)s. {counts} is the table of hourly,
-- daily or total counts and {period} the column by which the window is cut from it: one table in
-- plain sight, because behind a UNION the planner would guess the number of skills wrong.
WITH counted AS (
  -- What happened to each skill in the window. Without a download, a new install or a gained star
  -- there is no rank.
  SELECT skill_id, sum(downloads) AS downloads, sum(installs_new) AS installs, sum(stars) AS stars
    FROM {counts}
   WHERE {period} BETWEEN %(first)s AND %(last)s
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
     -- Those first published of late stand at the head of the list's index by creation.
     AND (%(born_after)s::timestamptz IS NULL
          OR c.skill_id IN (SELECT l.skill_id FROM skills_skilllisting l
                             WHERE l.facet = '' AND l.created_at >= %(born_after)s))
   -- Without WITH TIES, which sorts every row: the caller knows that the last ones may have equals.
   ORDER BY c.downloads DESC, c.installs DESC, c.stars DESC
   LIMIT %(keep)s
)
-- A skill deleted beside us has counts and no owner: the caller drops it, but must know that it was
-- among the best.
SELECT l.skill_id, k.namespace_id, l.downloads::bigint, l.installs::bigint, l.stars::bigint,
       k.created_at, k.is_suspicious
  FROM leaders l
  LEFT JOIN skills_skill k ON k.id = l.skill_id
