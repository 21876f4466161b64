WITH b AS MATERIALIZED (
  DELETE FROM skills_statevent q
   WHERE q.id = ANY (ARRAY(
     SELECT id FROM skills_statevent ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
  RETURNING skill_id, kind, delta, occurred_at
), e AS (
  SELECT date_trunc('hour', occurred_at, 'UTC') AS hour, skill_id,
         count(*) FILTER (WHERE kind = 0) AS dl, count(*) FILTER (WHERE kind = 3) AS ins,
         count(*) FILTER (WHERE kind = 3) - count(*) FILTER (WHERE kind = 6) AS al,
         count(*) FILTER (WHERE kind IN (3, 4)) - count(*) FILTER (WHERE kind = 5)
           + coalesce(sum(delta), 0) AS cur,
         count(*) FILTER (WHERE kind = 1) - count(*) FILTER (WHERE kind = 2) AS st
    FROM b GROUP BY 1, 2
), h AS (
  INSERT INTO skills_skillhourlystat AS t
    (hour, skill_id, downloads, installs_new, installs_all_time, installs_current, stars)
  SELECT hour, skill_id, dl, ins, al, cur, st FROM e ORDER BY 1, 2
  ON CONFLICT (hour, skill_id) DO UPDATE SET
    downloads = t.downloads + excluded.downloads,
    installs_new = t.installs_new + excluded.installs_new,
    installs_all_time = t.installs_all_time + excluded.installs_all_time,
    installs_current = t.installs_current + excluded.installs_current,
    stars = t.stars + excluded.stars
), d AS (
  INSERT INTO skills_skilldailystat AS t
    (day, skill_id, downloads, installs_new, installs_all_time, installs_current, stars)
  SELECT (hour AT TIME ZONE 'UTC')::date, skill_id, sum(dl), sum(ins), sum(al), sum(cur), sum(st)
    FROM e GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (day, skill_id) DO UPDATE SET
    downloads = t.downloads + excluded.downloads,
    installs_new = t.installs_new + excluded.installs_new,
    installs_all_time = t.installs_all_time + excluded.installs_all_time,
    installs_current = t.installs_current + excluded.installs_current,
    stars = t.stars + excluded.stars
), u AS (
  INSERT INTO skills_skilltotal AS t
    (skill_id, downloads, installs_new, installs_all_time, installs_current)
  SELECT skill_id, sum(dl), sum(ins), sum(al), sum(cur) FROM e GROUP BY 1 ORDER BY 1
  ON CONFLICT (skill_id) DO UPDATE SET
    downloads = t.downloads + excluded.downloads,
    installs_new = t.installs_new + excluded.installs_new,
    installs_all_time = t.installs_all_time + excluded.installs_all_time,
    installs_current = t.installs_current + excluded.installs_current
)
SELECT count(*) FROM b
