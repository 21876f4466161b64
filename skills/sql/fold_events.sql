-- Takes up to %(batch)s events off the queue and adds what they say to every count.
--
-- Why none is lost or counted twice: there is no cursor that an event could be overtaken by. A row
-- can be claimed exactly when its insert has committed, whatever its id or time; taking it away and
-- adding its effect are one transaction; two folds cannot delete the same row, and a locked one is
-- skipped and stays for the next. All rows are written in key order, so folds do not deadlock.
WITH claimed AS MATERIALIZED (
  -- ARRAY() runs the locking query once; a plan may run IN (SELECT … LIMIT …) again and claim more.
  DELETE FROM skills_statevent q
   WHERE q.id = ANY (ARRAY(
     SELECT id FROM skills_statevent WHERE id >= %(floor)s
      ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
  RETURNING q.id, q.skill_id, q.kind, q.delta, q.occurred_at
), logged AS (
  -- The raw log, by the day of the fold: what is in it has been folded, so it may be dropped.
  INSERT INTO skills_stateventlog (id, skill_id, kind, delta, occurred_at, folded_at)
  SELECT id, skill_id, kind, delta, occurred_at, now() FROM claimed WHERE %(with_log)s
), effects AS MATERIALIZED (
  -- What a skill's events of one UTC hour add. Events of a skill that is gone leave the queue here.
  SELECT date_trunc('hour', occurred_at, 'UTC') AS hour, skill_id,
         count(*) FILTER (WHERE kind = 0) AS downloads,
         count(*) FILTER (WHERE kind = 3) AS installs_new,
         count(*) FILTER (WHERE kind = 3) - count(*) FILTER (WHERE kind = 6) AS installs_all_time,
         count(*) FILTER (WHERE kind IN (3, 4)) - count(*) FILTER (WHERE kind = 5)
           + coalesce(sum(delta) FILTER (WHERE kind = 6), 0) AS installs_current,
         count(*) FILTER (WHERE kind = 1) - count(*) FILTER (WHERE kind = 2) AS stars,
         count(*) AS events
    FROM claimed
   WHERE skill_id IN (SELECT id FROM skills_skill)
   GROUP BY 1, 2
), hourly AS (
  INSERT INTO skills_skillhourlystat AS t
    (hour, skill_id, downloads, installs_new, installs_all_time, installs_current, stars)
  SELECT hour, skill_id, downloads, installs_new, installs_all_time, installs_current, stars
    FROM effects ORDER BY hour, skill_id
  ON CONFLICT (hour, skill_id) DO UPDATE SET
    downloads = t.downloads + excluded.downloads,
    installs_new = t.installs_new + excluded.installs_new,
    installs_all_time = t.installs_all_time + excluded.installs_all_time,
    installs_current = t.installs_current + excluded.installs_current,
    stars = t.stars + excluded.stars
  RETURNING 1
), daily AS (
  INSERT INTO skills_skilldailystat AS t
    (day, skill_id, downloads, installs_new, installs_all_time, installs_current, stars)
  SELECT (hour AT TIME ZONE 'UTC')::date, skill_id, sum(downloads), sum(installs_new),
         sum(installs_all_time), sum(installs_current), sum(stars)
    FROM effects GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (day, skill_id) DO UPDATE SET
    downloads = t.downloads + excluded.downloads,
    installs_new = t.installs_new + excluded.installs_new,
    installs_all_time = t.installs_all_time + excluded.installs_all_time,
    installs_current = t.installs_current + excluded.installs_current,
    stars = t.stars + excluded.stars
  RETURNING 1
), totals AS (
  -- Not the stars: they are the number of star rows, counted when one is given or taken.
  INSERT INTO skills_skilltotal AS t
    (skill_id, downloads, installs_new, installs_all_time, installs_current)
  SELECT skill_id, sum(downloads), sum(installs_new), sum(installs_all_time), sum(installs_current)
    FROM effects GROUP BY 1 ORDER BY 1
  ON CONFLICT (skill_id) DO UPDATE SET
    downloads = t.downloads + excluded.downloads,
    installs_new = t.installs_new + excluded.installs_new,
    installs_all_time = t.installs_all_time + excluded.installs_all_time,
    installs_current = t.installs_current + excluded.installs_current
  RETURNING 1
), written AS (
  -- Asking for the rows is what makes PostgreSQL write these tables now, and in this order.
  SELECT (SELECT count(*) FROM hourly) + (SELECT count(*) FROM daily)
       + (SELECT count(*) FROM totals) AS rows
), listed AS MATERIALIZED (
  DELETE FROM skills_listedchange c
   WHERE c.id = ANY (ARRAY(SELECT id FROM skills_listedchange ORDER BY id LIMIT %(batch)s
                              FOR UPDATE SKIP LOCKED))
  RETURNING c.change
), added AS (
  SELECT coalesce(sum(downloads), 0) AS downloads, coalesce(sum(installs_new), 0) AS installs_new,
         coalesce(sum(installs_all_time), 0) AS installs_all_time,
         coalesce(sum(installs_current), 0) AS installs_current,
         coalesce(sum(stars), 0) AS stars, coalesce(sum(events), 0) AS events,
         (SELECT coalesce(sum(change), 0) FROM listed) AS skills
    FROM effects
), site AS (
  -- The one row every fold writes: locked after all others, for no longer than the commit takes,
  -- or folds would wait for each other from their first row on.
  UPDATE skills_sitetotals t SET
    downloads = t.downloads + a.downloads,
    installs_new = t.installs_new + a.installs_new,
    installs_all_time = t.installs_all_time + a.installs_all_time,
    installs_current = t.installs_current + a.installs_current,
    stars = t.stars + a.stars,
    skills = t.skills + a.skills
  FROM added a, written w
  WHERE t.id = 1 AND w.rows >= 0 AND (a.events > 0 OR a.skills <> 0)
)
SELECT (SELECT count(*) FROM claimed), (SELECT events::bigint FROM added),
       (SELECT min(id) FROM claimed)
