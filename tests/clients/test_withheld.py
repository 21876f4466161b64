"""What the client's user sees of skills that are unknown, hidden, suspicious or malicious."""

from __future__ import annotations

import pytest

from accounts.services import create_token

pytestmark = pytest.mark.client


@pytest.fixture
def skill(publish):
    return publish("pdf-tools", {"SKILL.md": "# Hi\n"}).skill


def set_state(skill, status: str, reason: str, *flags: str) -> None:
    skill.moderation_status, skill.moderation_reason = status, reason
    skill.moderation_flags = list(flags)
    skill.save()


def refused(clawhub, *args: str) -> str:
    """What an install that must not happen prints."""
    ran = clawhub.run("install", *args)
    assert ran.code == 1, ran.text
    assert not (clawhub.workdir / "skills" / "pdf-tools").exists()
    return ran.text


def test_an_unknown_skill_is_named_as_such(clawhub):
    assert "Skill not found" in refused(clawhub, "nobody-has-this")
    ran = clawhub.run("inspect", "nobody-has-this")
    assert (ran.code, "Skill not found" in ran.text) == (1, True)


def test_a_hidden_skill_does_not_exist_for_strangers(clawhub, skill, charlie):
    set_state(skill, "hidden", "manual.hidden")
    _token, text = create_token(user=charlie, label="laptop")
    clawhub.hold(text)

    assert "Skill not found" in refused(clawhub, "pdf-tools", "--force")
    assert "pdf-tools" not in clawhub.run("explore").text


def test_its_owner_is_told_why_it_is_hidden(clawhub, skill, alice):
    set_state(skill, "hidden", "manual.hidden")
    _token, text = create_token(user=alice, label="laptop")
    clawhub.hold(text)

    assert "hidden while moderators review it" in refused(clawhub, "pdf-tools", "--force")
    ran = clawhub.run("inspect", "pdf-tools")
    assert (ran.code, "manual.hidden" in ran.text) == (0, True), ran.text


def test_a_suspicious_skill_installs_with_force_alone(clawhub, skill):
    set_state(skill, "active", "scanner.static.suspicious", "flagged.suspicious")

    text = refused(clawhub, "pdf-tools")
    assert "Use --force to install suspicious skills" in text

    ran = clawhub.run("install", "pdf-tools", "--force")
    assert ran.code == 0, ran.text
    assert clawhub.installed("pdf-tools") == {"SKILL.md": b"# Hi\n"}


def test_a_malicious_skill_never_installs(clawhub, skill):
    set_state(skill, "hidden", "scanner.static.malicious", "blocked.malware")
    assert "Skill not found" in refused(clawhub, "pdf-tools", "--force")

    # Flagged while it is still public: the client itself refuses.
    set_state(skill, "active", "scanner.static.malicious", "blocked.malware")
    assert "flagged as malware" in refused(clawhub, "pdf-tools", "--force")


def test_a_malicious_version_of_a_good_skill_never_installs(clawhub, publish, skill):
    publish("pdf-tools", {"SKILL.md": "# Good\n"}, version="1.1.0")
    bad = skill.versions.get(version="1.0.0")
    bad.scan_state = "malicious"
    bad.save()

    text = refused(clawhub, "pdf-tools", "--version", "1.0.0", "--force")

    assert "a scan found malware" in text
    assert clawhub.run("install", "pdf-tools").code == 0
