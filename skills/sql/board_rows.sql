-- The ranks of a snapshot that everybody may see at this moment, in order, at most %(limit)s.
--
-- A snapshot never changes, so what became hidden, suspicious or unscanned since is dropped here:
-- a skill without a listing row is not public. The rows are read one by one in the order of their
-- ranks and joined with the card, so nothing is cut off before it is looked at.
SELECT e.rank, e.previous_rank, e.downloads, e.installs, e.stars, e.days,
       l.skill_id, l.slug, l.owner_handle, l.display_name, l.name_key, l.summary, l.categories,
       l.topics, l.latest_version_summary, l.tags, l.badges, l.moderation_reason, l.is_suspicious,
       l.downloads, l.stars, l.installs_current, l.installs_all_time, l.comment_count,
       l.version_count, l.created_at, l.updated_at
  FROM skills_leaderboardentry e
  JOIN skills_skilllisting l ON l.skill_id = e.skill_id AND l.facet = ''
 WHERE e.leaderboard_id = %(snapshot)s
   AND e.rank BETWEEN %(first)s AND %(last)s
   AND (%(with_suspicious)s OR NOT l.is_suspicious)
   AND (l.is_suspicious OR l.moderation_reason::text !~ %(unscanned)s)
 ORDER BY e.rank
 LIMIT %(limit)s
