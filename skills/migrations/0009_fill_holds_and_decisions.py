from django.db import migrations

# What was stored as a reason becomes the row it stands for.
FILL = """
INSERT INTO skills_skillhold (skill_id, kind, placed_at)
SELECT id, CASE moderation_reason
    WHEN 'manual.removed' THEN 'removed' WHEN 'manual.hidden' THEN 'hidden'
    WHEN 'auto.reports' THEN 'reports' WHEN 'auto.ban' THEN 'ban' ELSE 'quality' END, updated_at
FROM skills_skill
WHERE moderation_reason IN
    ('manual.removed', 'manual.hidden', 'auto.reports', 'auto.ban', 'quality.low')
ON CONFLICT DO NOTHING;

UPDATE skills_skillversion v SET decision = CASE s.moderation_reason
    WHEN 'manual.approved' THEN 'approved' WHEN 'manual.caution' THEN 'caution' ELSE 'changes' END
FROM skills_skill s JOIN skills_skilltag t ON t.skill_id = s.id AND t.name = 'latest'
WHERE v.id = t.version_id
    AND s.moderation_reason IN ('manual.approved', 'manual.caution', 'manual.changes');

UPDATE skills_skillversion v SET presumed_suspicious = true
FROM skills_skill s JOIN skills_skilltag t ON t.skill_id = s.id AND t.name = 'latest'
WHERE v.id = t.version_id AND s.is_suspicious
    AND v.scan_state IN ('pending', 'running', 'failed');
"""


class Migration(migrations.Migration):
    """Give the standing of today's skills the rows that it follows from."""

    dependencies = [("skills", "0008_holds_and_decisions")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
