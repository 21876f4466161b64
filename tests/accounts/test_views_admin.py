"""The raw admin site: for admins, one sign-in page, nothing that breaks a rule."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.models import ApiToken, AuditEvent, User
from accounts.services import create_token, create_user
from skills.models import Skill
from tests.config.rivals import meet
from tests.factories.accounts import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def admins(client, ada):
    return sign_in(client, ada)


def end_of(client: Client, path: str = "/django-admin/") -> tuple[int, str]:
    response = client.get(path, follow=True)
    return response.status_code, response.request["PATH_INFO"]


def test_everybody_but_an_admin_stays_out(alice, mona, ada):
    assert end_of(Client()) == (200, "/login/")
    assert end_of(sign_in(Client(), alice)) == (404, "/django-admin/login/")
    assert end_of(sign_in(Client(), mona)) == (404, "/django-admin/login/")
    assert end_of(sign_in(Client(), ada)) == (200, "/django-admin/")


def test_a_banned_admin_stays_out(admins, ada):
    User.objects.filter(pk=ada.pk).update(banned_at=timezone.now())

    assert end_of(admins) == (200, "/login/")


def test_the_way_in_is_our_own_sign_in_page(client, ada):
    typed = {"username": "ada", "password": "ada-keeps-a-secret"}

    assert client.post("/django-admin/login/", typed).status_code == 405
    seen = client.get("/django-admin/login/?next=https://evil.example/")
    assert seen.headers["Location"] == "/login/?next=/django-admin/"


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_every_table_opens(admins, alice, publish, model):
    publish()
    create_token(user=alice, label="laptop")
    base = f"/django-admin/{model._meta.app_label}/{model._meta.model_name}/"

    assert admins.get(base).status_code == 200
    row = model._default_manager.first()
    if row is not None:
        assert admins.get(f"{base}{row.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    "table", ["accounts/auditevent", "accounts/apitoken", "skills/skillversion", "skills/blob"]
)
def test_history_is_for_looking_only(admins, alice, publish, table):
    publish()
    create_token(user=alice, label="laptop")
    app, name = table.split("/")
    row = next(m for m in admin.site._registry if m._meta.label_lower == f"{app}.{name}")
    pk = row._default_manager.first().pk

    assert admins.get(f"/django-admin/{table}/add/").status_code == 403
    assert admins.post(f"/django-admin/{table}/{pk}/change/", {}).status_code == 403
    assert admins.post(f"/django-admin/{table}/{pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_token_shows_no_secret(admins, alice):
    token, text = create_token(user=alice, label="laptop")

    page = admins.get(f"/django-admin/accounts/apitoken/{token.pk}/change/").content.decode()

    assert token.lookup_id in page
    assert text.secret not in page
    assert "ecret sha256" not in page


def test_tokens_are_revoked_through_the_service(admins, ada, alice):
    token, _ = create_token(user=alice, label="laptop")

    admins.post(
        "/django-admin/accounts/apitoken/", {"action": "revoke", "_selected_action": [token.pk]}
    )

    assert ApiToken.objects.get().state == "revoked"
    assert AuditEvent.objects.get(verb="token.revoke").actor == ada


def test_a_change_of_role_is_audited(admins, ada, alice):
    User.objects.filter(pk=alice.pk).update(email="alice@example.org")
    said = {"display_name": "Alice", "email": "", "role": "moderator", "is_active": "on"}
    said |= {"banned_at_0": "", "banned_at_1": "", "ban_reason": ""}

    answer = admins.post(f"/django-admin/accounts/user/{alice.pk}/change/", said)

    assert answer.status_code == 302
    event = AuditEvent.objects.get(verb="user.role")
    assert (event.actor, event.before["role"], event.after["role"]) == (ada, "user", "moderator")
    # Names and addresses go with an account; this row stays.
    changed = AuditEvent.objects.get(verb="admin.change")
    assert changed.before == changed.after == {"display_name": "not kept", "email": "not kept"}


def test_nobody_closes_their_own_account_or_takes_their_own_role(admins, ada):
    answer = admins.post(f"/django-admin/accounts/user/{ada.pk}/change/", {"role": "user"})

    assert answer.status_code == 403
    assert User.objects.get(pk=ada.pk).role == "admin"


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_close_each_others_accounts_one_remains(ada):
    anna = create_user(handle="anna", role="admin")
    table = admin.site._registry[User]

    def close(person, actor):
        request = RequestFactory().post("/")
        request.user = actor
        row = User.objects.get(pk=person.pk)
        said = {"display_name": "", "email": "", "role": "admin"}
        form = table.get_form(request, row, change=True)(said, instance=row)
        table.save_model(request, table.save_form(request, form, change=True), form, change=True)

    _done, refused = meet(lambda: close(anna, ada), lambda: close(ada, anna))

    assert isinstance(refused, PermissionDenied)
    assert [user.handle for user in User.objects.all() if user.is_staff] == ["ada"]


def test_derived_columns_and_moderation_cannot_be_typed(admins, publish):
    skill = publish().skill
    said = {"display_name": "Better name", "summary": "s", "categories": "", "topics": ""}
    said |= {"version_count": "99", "is_suspicious": "on", "moderation_status": "removed"}
    for prefix in ("tag_rows", "badge_rows", "aliases"):
        said |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}

    answer = admins.post(f"/django-admin/skills/skill/{skill.pk}/change/", said)

    assert answer.status_code == 302, answer.content.decode()
    changed = Skill.objects.get()
    assert (changed.display_name, changed.version_count) == ("Better name", 1)
    assert (changed.is_suspicious, changed.moderation_status) == (False, "active")


def test_a_correction_writes_what_was_typed_and_undoes_nothing(ada, publish):
    skill = publish().skill
    request = RequestFactory().post("/")
    request.user = ada
    table = admin.site._registry[Skill]
    said = {"display_name": "Better name", "summary": skill.summary}
    said |= {"categories": "other", "initial-categories": "other"}
    form = table.get_form(request, skill, change=True)(said, instance=skill)
    Skill.objects.filter(pk=skill.pk).update(moderation_status="hidden", downloads=7)

    changed = table.save_form(request, form, change=True)
    table.save_model(request, changed, form, change=True)

    after = Skill.objects.get()
    assert (after.display_name, after.moderation_status, after.downloads) == (
        "Better name",
        "hidden",
        7,
    )
    assert set(AuditEvent.objects.get(verb="admin.change").after) == {"display_name"}
