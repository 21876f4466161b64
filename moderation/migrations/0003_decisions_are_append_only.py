from django.db import migrations

FORBID = """
CREATE FUNCTION moderation_refuse_decision_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'decisions are append-only: % refused', TG_OP;
END $$;
CREATE TRIGGER decision_rows_stay BEFORE UPDATE OR DELETE ON moderation_decision
  FOR EACH ROW EXECUTE FUNCTION moderation_refuse_decision_change();
CREATE TRIGGER decision_table_stays BEFORE TRUNCATE ON moderation_decision
  FOR EACH STATEMENT EXECUTE FUNCTION moderation_refuse_decision_change();
"""
ALLOW = """
DROP TRIGGER decision_table_stays ON moderation_decision;
DROP TRIGGER decision_rows_stay ON moderation_decision;
DROP FUNCTION moderation_refuse_decision_change();
"""


class Migration(migrations.Migration):
    """Decisions can only be added: the database refuses UPDATE, DELETE and TRUNCATE."""

    dependencies = [("moderation", "0002_desk")]

    operations = [migrations.RunSQL(FORBID, ALLOW)]
