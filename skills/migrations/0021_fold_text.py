from django.db import migrations

# `unaccent` may follow another dictionary, so PostgreSQL asks it anew for every row that it compares
# with what was typed, and plans without knowing what that is. Ours is the one of the extension.
FOLD = """
CREATE FUNCTION skills_fold(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS 'SELECT unaccent(lower($1))'
"""


class Migration(migrations.Migration):
    """What was typed without case and accents, folded once a statement."""

    dependencies = [("skills", "0020_category_totals")]

    operations = [migrations.RunSQL(FOLD, "DROP FUNCTION skills_fold(text)")]
