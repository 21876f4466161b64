"""People for staff: looking them up, and giving roles."""

from __future__ import annotations

import json

import pytest
from django.db.models import F

from accounts.models import AuditEvent, Role, Scope, User
from accounts.services import RoleRefused, create_token, create_user, set_role
from accounts.users_api import COUNTED
from tests.config.rivals import at_once, meet
from tests.factories.bulk import analyze, explain

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(client, ada):
    """Ask as an admin: `api("GET", "/users?q=al")`, `api("POST", "/users/role", {…})`."""
    _token, text = create_token(user=ada, label="desk")

    def ask(method: str, path: str, body=None, token=text):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return client.generic(
            method,
            f"/api/v1{path}",
            json.dumps({} if body is None else body),
            content_type="application/json",
            headers=headers,
        )

    return ask


def refusal(response) -> tuple[int, str]:
    return response.status_code, response.headers["X-Error-Code"]


def found(api, query: str) -> list[str]:
    return [item["handle"] for item in api("GET", f"/users{query}").json()["items"]]


# --- Looking people up ----------------------------------------------------------------------------


def test_people_are_found_by_the_beginning_of_handle_or_name(api, alice):
    create_user(handle="zoe", display_name="Alicia Ümit")
    create_user(handle="alan", display_name="Alan")
    create_user(handle="malice")

    assert found(api, "?q=al") == ["alan", "alice", "zoe"]
    assert found(api, "?q=@ALI") == ["alice", "zoe"]
    assert found(api, "?q=alicia%20ü") == ["zoe"]
    assert found(api, "?q=%25") == found(api, "?q=_") == []
    assert found(api, "") == ["ada", "alan", "alice", "malice", "zoe"]


def test_what_is_said_of_a_person(api, alice):
    User.objects.filter(pk=alice.pk).update(display_name="Alice A.", role="moderator")

    said = api("GET", "/users?q=alice").json()

    assert said == {
        "items": [
            {
                "userId": str(alice.pk),
                "handle": "alice",
                "displayName": "Alice A.",
                "role": "moderator",
                "isBanned": False,
            }
        ],
        "total": 1,
        "totalIsMore": False,
    }


def test_the_list_ends_at_the_limit_and_the_total_where_it_stops_counting(api):
    User.objects.bulk_create(
        User(handle=f"many{n}", display_name=f"Many {n}") for n in range(COUNTED + 5)
    )

    said = api("GET", "/users?q=many&limit=200").json()
    assert (len(said["items"]), said["total"], said["totalIsMore"]) == (200, COUNTED, True)
    assert len({item["userId"] for item in said["items"]}) == 200
    said = api("GET", "/users?q=many1&limit=3").json()
    assert (len(said["items"]), said["total"], said["totalIsMore"]) == (3, 116, False)
    assert refusal(api("GET", "/users?limit=201")) == (400, "limit_invalid")


def test_looking_up_reads_the_indexes_whatever_the_number_of_people(db):
    User.objects.bulk_create(
        User(handle=f"many{n}", display_name=f"Many {n}") for n in range(20_000)
    )
    analyze(User)
    for people in (User.objects.by_handle("many"), User.objects.by_name("many")):
        plan = explain(*people[:200].query.sql_with_params())
        assert plan.indexes, plan
        assert plan.blocks <= 250, plan


# --- Roles ----------------------------------------------------------------------------------------


def test_an_admin_gives_a_role_by_handle_or_id(api, ada, alice):
    response = api("POST", "/users/role", {"handle": "@Alice", "role": "moderator"})

    assert (response.status_code, response.json()) == (200, {"ok": True, "role": "moderator"})
    event = AuditEvent.objects.get(verb="user.role")
    assert (event.actor, event.object_id) == (ada, alice.pk)
    assert (event.before, event.after) == ({"role": "user"}, {"role": "moderator"})

    api("POST", "/users/role", {"userId": str(alice.pk), "role": "user"})
    assert User.objects.get(pk=alice.pk).role == "user"


def test_giving_a_role_twice_is_one_act(api, alice):
    for _ in range(2):
        response = api("POST", "/users/role", {"handle": "alice", "role": "moderator"})
        assert response.json() == {"ok": True, "role": "moderator"}

    assert AuditEvent.objects.filter(verb="user.role").count() == 1


def test_nobody_changes_their_own_role(api, ada):
    response = api("POST", "/users/role", {"handle": "ada", "role": "user"})

    assert refusal(response) == (403, "role_refused")
    assert "another admin" in response.content.decode()
    assert User.objects.get(pk=ada.pk).role == "admin"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"handle": "alice", "role": "king"}, (400, "role_invalid")),
        ({"handle": "alice"}, (400, "role_invalid")),
        ({"role": "user"}, (400, "body_invalid")),
        ({"handle": " ", "role": "user"}, (400, "body_invalid")),
        ({"handle": ["alice"], "role": "user"}, (400, "body_invalid")),
        ({"handle": "a" * 65, "role": "user"}, (400, "body_invalid")),
        ({"handle": "ali\0ce", "role": "user"}, (400, "unstorable_text")),
        ({"userId": 5, "role": "user"}, (400, "body_invalid")),
        ({"handle": "nobody", "role": "user"}, (404, "person_not_found")),
        ({"userId": "9" * 40, "role": "user"}, (404, "person_not_found")),
        ({"userId": "²", "role": "user"}, (404, "person_not_found")),
        ([], (400, "body_invalid")),
    ],
)
def test_what_is_not_understood_changes_nothing(api, alice, body, wanted):
    assert refusal(api("POST", "/users/role", body)) == wanted
    assert not AuditEvent.objects.filter(verb="user.role").exists()


def test_only_an_admins_token_may(api, mona, ada, alice):
    _token, moderator = create_token(user=mona, label="m")
    _token, narrow = create_token(user=ada, label="n", scopes=[Scope.MODERATE])
    body = {"handle": "alice", "role": "admin"}

    for token, wanted in {
        "": (401, "token_missing"),
        str(moderator): (403, "scope_missing"),
        str(narrow): (403, "scope_missing"),
    }.items():
        assert refusal(api("POST", "/users/role", body, token)) == wanted
        assert refusal(api("GET", "/users?q=al", None, token)) == wanted
    assert User.objects.get(pk=alice.pk).role == "user"


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_depose_each_other_one_remains(ada):
    eve = create_user(handle="eve", role=Role.ADMIN)

    results = meet(
        lambda: set_role(user=eve, role="user", actor=ada),
        lambda: set_role(user=ada, role="user", actor=eve),
    )

    assert results[0] is True
    assert isinstance(results[1], RoleRefused)
    assert list(User.objects.filter(role="admin")) == [ada]


@pytest.mark.django_db(transaction=True)
def test_two_who_give_the_same_role_at_once_leave_one_audit_row(ada, alice):
    eve = create_user(handle="eve", role=Role.ADMIN)

    done = at_once(
        lambda: set_role(user=alice, role="moderator", actor=ada),
        lambda: set_role(user=alice, role="moderator", actor=eve),
    )

    assert sorted(done) == [False, True]
    assert AuditEvent.objects.filter(verb="user.role").count() == 1


def test_a_banned_admin_gives_nothing(ada, alice):
    User.objects.filter(pk=ada.pk).update(banned_at=F("created_at"))

    with pytest.raises(RoleRefused):
        set_role(user=alice, role="moderator", actor=ada)
