"""The settings page: what it shows, who changes it, what is kept of each change."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import AuditEvent
from moderation.services import settings
from skills.models import QualityGate, ReservedSlug
from tests.config.rivals import at_once, meet
from tests.factories.accounts import sign_in

pytestmark = pytest.mark.django_db

PAGE = "/staff/settings/"
RESERVE = f"{PAGE}reserved/"
GATE = f"{PAGE}quality/"
LIMITS = {
    "is_enabled": "on",
    "min_readme_characters": "80",
    "min_description_characters": "10",
    "min_account_age_days": "1",
    "trusted_after_days": "14",
}


@pytest.fixture
def admin(client, ada) -> Client:
    return sign_in(client, ada)


@pytest.fixture
def moderator(mona) -> Client:
    return sign_in(Client(), mona)


def test_moderators_read_and_admins_change(moderator, admin):
    assertContains(moderator.get(PAGE), "at least 60 characters")
    assertNotContains(moderator.get(PAGE), '<form class="form card"')
    assertContains(admin.get(PAGE), f'action="{GATE}"')
    for address in (RESERVE, GATE, f"{RESERVE}1/free/"):
        assert moderator.post(address, LIMITS).status_code == 404
    assert not QualityGate.objects.exists()


def test_a_name_is_reserved_shown_and_freed_with_its_history(admin, moderator, ada):
    ReservedSlug.objects.all().delete()

    answer = admin.post(RESERVE, {"slug": " Desk-Lamp ", "reason": "Ours\u202e."}, follow=True)

    kept = ReservedSlug.objects.get()
    assert (kept.slug, kept.reason, kept.reserved_by) == ("desk-lamp", "Ours.", ada)
    assertContains(answer, "“desk-lamp” is reserved.")
    assertContains(moderator.get(PAGE), "reserved desk-lamp")

    for told in ("is free", "was freed before"):
        assertContains(admin.post(f"{RESERVE}{kept.pk}/free/", follow=True), told)
    assert not ReservedSlug.objects.exists()
    verbs = AuditEvent.objects.named("setting").values_list("verb", flat=True)
    assert list(verbs) == ["slug.free", "slug.reserve"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"slug": "desk lamp", "reason": "x"}, "3 to 96 characters"),
        ({"slug": "admin", "reason": "x"}, "reserved by rule already"),
        ({"slug": "skillboard-cli", "reason": "x"}, "reserved by rule already"),
        ({"slug": "taken-name", "reason": "x"}, "is reserved already"),
        ({"slug": "desk-lamp", "reason": " \u200b "}, "Say why"),
        ({"slug": "x" * 121, "reason": "x"}, "at most 120 characters"),
        ({"slug": "desk-lamp", "reason": "a\0b"}, "Null characters"),
        ({"slug": "<b>", "reason": "<script>x"}, "&lt;script&gt;x"),
        ({}, "This field is required"),
    ],
)
def test_what_cannot_be_reserved_comes_back_as_typed(admin, ada, typed, told):
    settings.reserve_slug(slug="taken-name", reason="x", actor=ada)

    answer = admin.post(RESERVE, typed)

    assertContains(answer, told, status_code=422)
    assertContains(answer, "data-error-summary", status_code=422)
    assert not ReservedSlug.objects.filter(slug__contains="lamp").exists()


def test_the_gate_is_set_and_the_change_is_told_value_by_value(admin):
    answer = admin.post(GATE, LIMITS)
    assertRedirects(answer, PAGE)
    admin.post(GATE, {name: value for name, value in LIMITS.items() if name != "is_enabled"})

    gate = QualityGate.objects.get()
    assert (gate.is_enabled, gate.min_readme_characters, gate.min_account_age_days) == (
        False,
        80,
        1,
    )
    page = admin.get(PAGE)
    assertContains(page, "min readme characters: 60 → 80")
    assertContains(page, "is enabled: True → False")
    assertNotContains(page, "trusted after days: 14")


def test_the_same_again_changes_and_notes_nothing(admin):
    for _ in range(2):
        admin.post(GATE, LIMITS)

    assert AuditEvent.objects.filter(verb="gate.change").count() == 1


@pytest.mark.parametrize("value", ["-1", "10001", "x", "", "9" * 40, "1\0"])
def test_a_limit_out_of_bounds_is_refused(admin, value):
    answer = admin.post(GATE, LIMITS | {"min_readme_characters": value})

    assert answer.status_code == 422
    assertContains(answer, "data-error-summary", status_code=422)
    assert not QualityGate.objects.exists()


def test_long_lists_go_on_and_a_bad_cursor_is_told(admin, ada):
    ReservedSlug.objects.all().delete()
    for number in range(30):
        settings.reserve_slug(slug=f"lamp-{number:02}", reason="x", actor=ada)

    first = admin.get(PAGE)
    rest = admin.get(f"{PAGE}?slugs={first.context['more_slugs']}")
    older = admin.get(f"{PAGE}?changes={first.context['more_changes']}")

    assert [kept.slug for kept in rest.context["slugs"]] == [f"lamp-{n}" for n in range(25, 30)]
    assert len(older.context["changes"]) == 5
    assertContains(admin.get(f"{PAGE}?slugs=x"), "That part of the list cannot be found.")


def test_a_longer_page_takes_no_more_statements(admin, ada, django_assert_max_num_queries):
    for number in range(25):
        settings.reserve_slug(slug=f"lamp-{number:02}", reason="x", actor=ada)

    with django_assert_max_num_queries(8):
        admin.get(PAGE)


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_reserve_at_once_make_one_row(ada):
    kept = at_once(*[lambda: settings.reserve_slug(slug="desk-lamp", reason="x", actor=ada)] * 3)

    assert sorted(type(one).__name__ for one in kept) == ["ReservedSlug", "SlugKept", "SlugKept"]
    assert AuditEvent.objects.filter(verb="slug.reserve").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_set", [False, True], ids=["for the first time", "again"])
def test_two_admins_who_set_the_gate_at_once_each_tell_what_they_found(ada, is_set):
    def change(characters: int) -> bool:
        limits = {
            "is_enabled": True,
            "min_description_characters": 10,
            "min_account_age_days": 0,
            "trusted_after_days": 14,
        }
        return settings.change_gate(actor=ada, min_readme_characters=characters, **limits)

    if is_set:
        change(61)

    assert meet(lambda: change(70), lambda: change(80)) == [True, True]

    *_, first, second = AuditEvent.objects.filter(verb="gate.change").order_by("pk")
    assert first.before == {"min_readme_characters": 61 if is_set else 60}
    assert second.before == first.after == {"min_readme_characters": 70}
    assert QualityGate.objects.get().min_readme_characters == 80
