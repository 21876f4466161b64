-- The %(limit)s skills whose texts hold all words, the best first, and behind them those that hold
-- some, among {texts}.
--
-- A text with its readme is large and lies apart from its row: to look into it is the cost of a
-- search. So who holds the words in the head, which lies in the row, is looked for first; heads rank
-- all candidates, and whole texts the first of them alone. Each step finds nothing where those before
-- found enough. {wanted} and {loose} are constants to the planner: it knows how many hold such words.
WITH texts AS NOT MATERIALIZED (
  {texts}
), asked AS MATERIALIZED (
  SELECT {asked} AS words
), named AS MATERIALIZED (
  -- A common word is held by thousands: so many are candidates, not more.
  SELECT skill_id, downloads, is_suspicious,
         ts_rank(head, (SELECT words FROM asked), %(normalization)s) AS rough
    FROM texts t
   WHERE head @@ {wanted}
   LIMIT %(most)s
), downloaded AS MATERIALIZED (
  -- Of those that are left out then, the most downloaded are candidates all the same.
  SELECT t.skill_id, t.downloads, t.is_suspicious,
         ts_rank(t.head, (SELECT words FROM asked), %(normalization)s) AS rough
    FROM ({most_downloaded}) most
   CROSS JOIN LATERAL (SELECT *
                         FROM texts t
                        WHERE t.skill_id = most.skill_id AND t.head @@ {wanted}
                       OFFSET 0) t
   WHERE (SELECT count(*) = %(most)s FROM named)
     AND t.skill_id NOT IN (SELECT skill_id FROM named)
), by_head AS MATERIALIZED (
  SELECT * FROM named UNION ALL SELECT * FROM downloaded
), told AS MATERIALIZED (
  -- Fewer of these: they stand behind, and may be found by looking into many whole texts.
  SELECT skill_id, downloads, is_suspicious,
         coalesce(ts_rank(head, (SELECT words FROM asked), %(normalization)s), 0) AS rough
    FROM texts t
   WHERE document @@ {wanted}
   LIMIT (SELECT CASE WHEN count(*) < %(limit)s THEN %(some)s ELSE 0 END FROM by_head)
), whole AS MATERIALIZED (
  SELECT * FROM by_head
   UNION ALL
  SELECT * FROM told WHERE skill_id NOT IN (SELECT skill_id FROM by_head)
), counted AS MATERIALIZED (
  SELECT count(*) AS holders FROM whole
), named_in_part AS MATERIALIZED (
  SELECT skill_id, downloads, is_suspicious,
         ts_rank(head, (SELECT words FROM asked), %(normalization)s) AS rough
    FROM texts t
   WHERE head @@ {loose}
   LIMIT (SELECT CASE WHEN holders < %(limit)s THEN %(some)s ELSE 0 END FROM counted)
), told_in_part AS MATERIALIZED (
  SELECT skill_id, downloads, is_suspicious,
         coalesce(ts_rank(head, (SELECT words FROM asked), %(normalization)s), 0) AS rough
    FROM texts t
   WHERE document @@ {loose}
   LIMIT CASE WHEN (SELECT holders FROM counted) >= %(limit)s THEN 0
              WHEN (SELECT count(*)
                      FROM (SELECT skill_id FROM whole UNION SELECT skill_id FROM named_in_part) found
                   ) < %(limit)s THEN %(some)s
              ELSE 0 END
), found AS (
  SELECT *, true AS holds_all FROM whole
   UNION ALL
  SELECT *, false
    FROM (SELECT * FROM named_in_part
           UNION ALL
          SELECT * FROM told_in_part
           WHERE skill_id NOT IN (SELECT skill_id FROM named_in_part)) part
   WHERE skill_id NOT IN (SELECT skill_id FROM whole)
), best AS (
  SELECT * FROM found ORDER BY holds_all DESC, rough DESC, downloads DESC, skill_id LIMIT %(limit)s
), placed AS (
  SELECT *, row_number() OVER (ORDER BY holds_all DESC, rough DESC, downloads DESC, skill_id) AS place
    FROM best
)
SELECT p.skill_id, p.downloads, p.is_suspicious
  FROM placed p
  LEFT JOIN skills_skillsearch s
    ON s.skill_id = CASE WHEN p.place <= %(fine)s THEN p.skill_id END
 ORDER BY p.holds_all DESC,
          ts_rank(s.document, (SELECT words FROM asked), %(normalization)s) DESC NULLS LAST, p.place
