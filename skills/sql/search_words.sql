-- The %(limit)s skills whose texts hold all words, the best first, and behind them those that hold
-- some. {texts} are the rows among which is searched.
--
-- A text with its readme is large and lies apart from its row: to look into it is the cost of a
-- search. So who holds the words in the head, which lies in the row, is looked for first; heads rank
-- all candidates, and whole texts the first of them alone. Each step finds nothing where those before
-- found enough. {wanted} and {loose} are constants to the planner: it knows how many hold such words.
WITH named AS MATERIALIZED (
  -- A common word is held by thousands: so many are candidates, not more.
  SELECT skill_id, downloads, is_suspicious, ts_rank(head, {asked}, %(normalization)s) AS rough
    FROM ({texts}) t
   WHERE head @@ {wanted}
   LIMIT %(most)s
), told AS MATERIALIZED (
  -- Fewer of these: they stand behind, and may be found by looking into many whole texts.
  SELECT skill_id, downloads, is_suspicious,
         coalesce(ts_rank(head, {asked}, %(normalization)s), 0) AS rough
    FROM ({texts}) t
   WHERE document @@ {wanted}
   LIMIT (SELECT CASE WHEN count(*) < %(limit)s THEN %(some)s ELSE 0 END FROM named)
), whole AS MATERIALIZED (
  SELECT * FROM named
   UNION ALL
  SELECT * FROM told WHERE skill_id NOT IN (SELECT skill_id FROM named)
), named_in_part AS MATERIALIZED (
  SELECT skill_id, downloads, is_suspicious, ts_rank(head, {asked}, %(normalization)s) AS rough
    FROM ({texts}) t
   WHERE head @@ {loose}
   LIMIT (SELECT CASE WHEN count(*) < %(limit)s THEN %(some)s ELSE 0 END FROM whole)
), told_in_part AS MATERIALIZED (
  SELECT skill_id, downloads, is_suspicious,
         coalesce(ts_rank(head, {asked}, %(normalization)s), 0) AS rough
    FROM ({texts}) t
   WHERE document @@ {loose}
   LIMIT (SELECT CASE WHEN count(*) < %(limit)s THEN %(some)s ELSE 0 END
            FROM (SELECT skill_id FROM whole UNION SELECT skill_id FROM named_in_part) found)
), found AS (
  SELECT *, true AS holds_all FROM whole
   UNION ALL
  SELECT *, false
    FROM (SELECT * FROM named_in_part
           UNION ALL
          SELECT * FROM told_in_part
           WHERE skill_id NOT IN (SELECT skill_id FROM named_in_part)) part
   WHERE skill_id NOT IN (SELECT skill_id FROM whole)
), placed AS (
  SELECT *, row_number() OVER (ORDER BY holds_all DESC, rough DESC, downloads DESC, skill_id) AS place
    FROM found
   ORDER BY place
   LIMIT %(limit)s
)
SELECT p.skill_id, p.downloads, p.is_suspicious
  FROM placed p
  LEFT JOIN skills_skillsearch s ON s.skill_id = p.skill_id AND p.place <= %(fine)s
 ORDER BY p.holds_all DESC, ts_rank(s.document, {asked}, %(normalization)s) DESC NULLS LAST, p.place
