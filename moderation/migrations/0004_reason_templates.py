from django.db import migrations

# Key, title, class of findings, action, what the author reads.
TEMPLATES = [
    (
        "remote-code",
        "Runs code from elsewhere",
        "remote-code",
        "changes",
        "{skill} {version} fetches a program and runs it at once ({file}:{line}, rule {rule})."
        " Nobody can review what is not in the skill: put the code into it, or name an official"
        " package with a fixed version.",
    ),
    (
        "fake-prerequisite",
        "Sends people to an unknown download",
        "fake-prerequisite",
        "hide",
        "{skill} {version} tells its readers to install something from a place nobody can check"
        " ({file}:{line}, rule {rule}). Name the vendor's own package and page instead.",
    ),
    (
        "credentials",
        "Reads credentials it does not need",
        "credential-theft",
        "hide",
        "{skill} {version} reads keys, tokens or wallets that its purpose does not need"
        " ({file}:{line}, rule {rule}). Ask for the one value you need, as a declared variable.",
    ),
    (
        "exfiltration",
        "Sends data away",
        "exfiltration",
        "hide",
        "{skill} {version} sends data of its users to another host ({file}:{line}, rule {rule})."
        " Say in the description what is sent and where, and let the user choose it.",
    ),
    (
        "injection",
        "Gives agents orders against their users",
        "prompt-injection",
        "hide",
        "{skill} {version} tells the agent to ignore or deceive its user ({file}:{line}, rule"
        " {rule}). Take the passage out; if it is an example, mark it as one.",
    ),
    (
        "hidden-text",
        "Holds text that nobody sees",
        "hidden-text",
        "changes",
        "{skill} {version} holds invisible characters that a reader cannot review ({file}:{line},"
        " rule {rule}). Take them out and publish a new version.",
    ),
    (
        "undeclared",
        "Needs what it does not declare",
        "",
        "changes",
        "{skill} {version} needs variables, programs or network access that it does not declare."
        " Name them in the front matter and publish a new version.",
    ),
    (
        "misleading",
        "Is not what it says",
        "",
        "changes",
        "{skill} {version} does something else than its name and description say. Describe what it"
        " does, or change what it does.",
    ),
    (
        "impersonation",
        "Passes for somebody else's",
        "look-alike",
        "hide",
        "{skill} can be taken for a skill of somebody else. Publish it under a name of your own.",
    ),
    (
        "low-quality",
        "Says too little to be useful",
        "",
        "changes",
        "{skill} {version} does not say enough for anybody to use it. Describe what it does, when"
        " to use it and what it needs, and publish a new version.",
    ),
    (
        "risky-by-nature",
        "Does something risky, openly",
        "",
        "caution",
        "{skill} {version} is open about what it does, and what it does can do harm in the wrong"
        " hands. It stays public with a word of caution.",
    ),
]


def fill(apps, _schema_editor):
    model = apps.get_model("moderation", "ReasonTemplate")
    model.objects.bulk_create(
        model(
            key=key,
            title=title,
            attack_class=attack_class,
            default_action=action,
            text=text,
            position=position,
        )
        for position, (key, title, attack_class, action, text) in enumerate(TEMPLATES, start=1)
    )


class Migration(migrations.Migration):
    """The reasons a desk starts with; admins edit them."""

    dependencies = [("moderation", "0003_decisions_are_append_only")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
