from django.db import migrations

# The raw log is partitioned by the day of the fold; skills/event_log.py makes and drops partitions.
LOG = """
CREATE TABLE skills_stateventlog (
  id bigint, skill_id bigint, kind smallint, delta smallint,
  occurred_at timestamptz, folded_at timestamptz
) PARTITION BY RANGE (folded_at);
"""
DROP_LOG = "DROP TABLE skills_stateventlog;"

# Hot rows are updated in place, and the queue, whose rows all die young, is vacuumed early.
STORAGE = """
ALTER TABLE skills_skilltotal SET (fillfactor = 70);
ALTER TABLE skills_skilldailystat SET (fillfactor = 80);
ALTER TABLE skills_skillhourlystat SET (fillfactor = 80);
ALTER TABLE skills_sitetotals SET (fillfactor = 10);
ALTER TABLE skills_statevent
  SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
"""
USUAL_STORAGE = """
ALTER TABLE skills_skilltotal RESET (fillfactor);
ALTER TABLE skills_skilldailystat RESET (fillfactor);
ALTER TABLE skills_skillhourlystat RESET (fillfactor);
ALTER TABLE skills_sitetotals RESET (fillfactor);
ALTER TABLE skills_statevent
  RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
"""

# One row per statement that lists or unlists skills, for the fold to add to the site's totals.
LISTED = """
CREATE FUNCTION skills_note_listed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE n integer;
BEGIN
  SELECT count(*) INTO n FROM changed WHERE facet = '';
  IF n > 0 THEN
    INSERT INTO skills_listedchange (change)
    VALUES (CASE WHEN TG_OP = 'INSERT' THEN n ELSE -n END);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER skilllisting_comes AFTER INSERT ON skills_skilllisting
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION skills_note_listed();
CREATE TRIGGER skilllisting_goes AFTER DELETE ON skills_skilllisting
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION skills_note_listed();
"""
NOT_LISTED = """
DROP TRIGGER skilllisting_goes ON skills_skilllisting;
DROP TRIGGER skilllisting_comes ON skills_skilllisting;
DROP FUNCTION skills_note_listed();
"""
FIRST_ROW = """
INSERT INTO skills_sitetotals (id, skills)
SELECT 1, count(*) FROM skills_skilllisting WHERE facet = '';
"""


class Migration(migrations.Migration):
    """What counting needs beside its tables: the log, storage settings, the listing's triggers."""

    dependencies = [("skills", "0002_stats_and_leaderboards")]

    operations = [
        migrations.RunSQL(LOG, DROP_LOG),
        migrations.RunSQL(STORAGE, USUAL_STORAGE),
        migrations.RunSQL(LISTED, NOT_LISTED),
        migrations.RunSQL(FIRST_ROW, migrations.RunSQL.noop),
    ]
