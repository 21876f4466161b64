from django.db import migrations

FILL = """
UPDATE traces_trace AS t SET is_withheld = true
FROM accounts_user AS u LEFT JOIN accounts_namespace AS n ON n.user_id = u.id
WHERE u.banned_at IS NOT NULL AND NOT t.is_withheld
    AND (t.created_by_id = u.id OR t.namespace_id = n.id)
"""


class Migration(migrations.Migration):
    """Withhold what banned people shared."""

    dependencies = [
        ("accounts", "0007_keys_of_a_namespace"),
        ("traces", "0004_withheld_traces"),
    ]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
