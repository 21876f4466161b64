"""Second factors: signing in with them, setting them up, and what staff may do without."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from axes.models import AccessAttempt
from django.conf import settings as site_settings
from django.test import Client
from django.utils import timezone

from accounts.factors import (
    FactorRefused,
    add_app,
    add_passkey,
    codes_left,
    has_factor,
    remove_factor,
    renew_codes,
    use_code,
)
from accounts.models import ApiToken, AuditEvent, User
from accounts.services import create_token
from moderation.models import Scan
from skills.models import ReservedSlug
from tests.config.rivals import meet
from tests.factories.accounts import (
    code_at,
    organisation,
    password_of,
    sign_in,
    sign_in_with_app,
    with_app,
)
from tests.factories.traces import Uploader, said

pytestmark = pytest.mark.django_db
NOON = "2026-03-03T12:00:10+00:00"
FIRST = "/me/security/"


@pytest.fixture(autouse=True)
def clock():
    """A clock that stands still, so that a code belongs to one moment."""
    with time_machine.travel(NOON, tick=False) as standing:
        yield standing


@pytest.fixture
def staff_need_one(settings):
    settings.STAFF_SECOND_FACTOR = True


def is_signed_in(client: Client) -> bool:
    return client.get("/me/tokens/").status_code == 200


def try_code(client: Client, code: str, **said):
    return client.post("/login/code/", {"code": code}, **said)


# --- Signing in ----------------------------------------------------------------------------------


def test_without_a_factor_the_password_is_enough(client, alice):
    assert is_signed_in(sign_in(client, alice))


def test_the_password_alone_opens_nothing_where_there_is_a_factor(client, alice):
    with_app(alice)

    response = client.post(
        "/login/", {"username": "alice", "password": password_of(alice), "next": "/me/traces/"}
    )

    assert response.headers["Location"] == "/login/code/"
    assert not is_signed_in(client)
    assert client.get("/login/").status_code == 200
    assert client.post(f"{FIRST}app/").headers["Location"].startswith("/login/")


def test_the_code_of_the_app_signs_in_and_leads_on(client, alice):
    secret = with_app(alice)
    typed = {"username": "alice", "password": password_of(alice), "next": "/me/traces/"}
    client.post("/login/", typed)

    code = code_at(secret)
    response = try_code(client, f"{code[:3]} {code[3:]}")

    assert response.headers["Location"] == "/me/traces/"
    assert is_signed_in(client)


def test_half_a_sign_in_gets_a_session_of_its_own(client, alice):
    with_app(alice)
    client.get("/")
    session = client.session
    session["planted"] = "yes"
    session.save()
    client.cookies[site_settings.SESSION_COOKIE_NAME] = planted = session.session_key

    sign_in(client, alice)

    assert client.cookies[site_settings.SESSION_COOKIE_NAME].value != planted


def test_the_page_of_codes_asks_only_whoever_typed_the_password(client, alice):
    secret = with_app(alice)

    assert client.get("/login/code/").headers["Location"] == "/login/"
    assert try_code(client, code_at(secret)).headers["Location"] == "/login/"
    assert not is_signed_in(client)


def test_the_second_step_waits_a_quarter_of_an_hour(client, alice, clock):
    secret = with_app(alice)
    sign_in(client, alice)
    clock.shift(timedelta(minutes=16))

    assert try_code(client, code_at(secret)).headers["Location"] == "/login/"
    assert not is_signed_in(client)


@pytest.mark.parametrize("code", ["000000", "", "x" * 40, "1\0", "١٢٣٤٥٦"])
def test_a_wrong_code_opens_nothing(client, alice, code):
    secret = with_app(alice)
    sign_in(client, alice)
    assert code_at(secret) != code

    response = try_code(client, code)

    assert response.status_code == 422
    assert "data-error-summary" in response.content.decode()
    assert not is_signed_in(client)


def test_a_code_is_used_once(client, alice):
    secret = with_app(alice)
    sign_in_with_app(client, alice, secret)
    other = sign_in(Client(), alice)

    replayed = try_code(other, code_at(secret))

    assert replayed.status_code == 422
    assert "was used before" in replayed.content.decode()
    assert not is_signed_in(other)
    assert try_code(other, code_at(secret, 1)).status_code == 302
    # Nor does an earlier one count any more.
    assert use_code(user=alice, code=code_at(secret)) is None


def test_the_first_code_of_an_app_counts_for_its_set_up_alone(alice):
    secret = generate_totp_secret()
    add_app(user=alice, secret=secret, code=code_at(secret))

    assert use_code(user=alice, code=code_at(secret)) is None
    assert use_code(user=alice, code=code_at(secret, 2)) is None


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_with_one_code_one_gets_in(alice):
    secret = with_app(alice)
    recovery = renew_codes(user=alice)

    for code in (code_at(secret), recovery[0]):
        attempt = partial(use_code, user=alice, code=code)
        found = meet(attempt, attempt)
        assert sum(result is not None for result in found) == 1


def test_a_recovery_code_opens_the_account_once(client, alice):
    with_app(alice)
    codes = renew_codes(user=alice)
    sign_in(client, alice)

    assert try_code(client, codes[3]).status_code == 302
    assert is_signed_in(client)
    assert codes_left(alice) == 9
    assert AuditEvent.objects.filter(verb="factor.recover", actor=alice).count() == 1
    other = sign_in(Client(), alice)
    assert try_code(other, codes[3]).status_code == 422


def test_new_codes_end_the_old_ones(alice):
    with_app(alice)
    old = renew_codes(user=alice)
    new = renew_codes(user=alice)

    assert use_code(user=alice, code=old[0]) is None
    assert use_code(user=alice, code=new[0]) is not None


def test_a_ban_in_between_ends_the_sign_in(client, alice):
    secret = with_app(alice)
    sign_in(client, alice)
    User.objects.filter(pk=alice.pk).update(banned_at=timezone.now())

    assert try_code(client, code_at(secret)).headers["Location"] == "/login/"
    assert not is_signed_in(client)


# --- Lock-out and limits -------------------------------------------------------------------------


def test_too_many_wrong_codes_lock_the_name_at_that_address(client, alice):
    secret = with_app(alice)
    sign_in(client, alice)
    answers = [try_code(client, "000000") for _ in range(site_settings.AXES_FAILURE_LIMIT)]

    locked = try_code(client, code_at(secret))

    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 429]
    assert locked.status_code == 429
    assert "Too many wrong passwords or codes" in locked.content.decode()
    again = {"username": "alice", "password": password_of(alice)}
    assert client.post("/login/", again).status_code == 429
    elsewhere = sign_in(Client(), alice, REMOTE_ADDR="192.0.2.7")
    assert try_code(elsewhere, code_at(secret), REMOTE_ADDR="192.0.2.7").status_code == 302


def test_the_right_password_forgets_no_wrong_code(client, alice):
    with_app(alice)
    for _ in range(2):
        sign_in(client, alice)
        for _ in range(2):
            try_code(client, "000000")
    sign_in(client, alice)

    assert try_code(client, "000000").status_code == 429


def test_an_account_takes_so_many_codes_an_hour_from_wherever_they_come(alice, monkeypatch):
    monkeypatch.setattr("accounts.lockout.CODES_AN_HOUR", 3)
    secret = with_app(alice)
    for number in range(3):
        address = f"192.0.2.{number}"
        other = sign_in(Client(), alice, REMOTE_ADDR=address)
        assert try_code(other, "000000", REMOTE_ADDR=address).status_code == 422
    last = sign_in(Client(), alice, REMOTE_ADDR="192.0.2.9")

    refused = try_code(last, code_at(secret), REMOTE_ADDR="192.0.2.9")

    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "3590"


def test_one_address_may_try_so_many_codes(client, alice, settings):
    secret = with_app(alice)
    sign_in(client, alice)
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"login": [2, 2, 2]}
    try_code(client, "000000")

    assert try_code(client, code_at(secret)).status_code == 429


def test_no_code_is_kept_of_a_failure(client, alice):
    with_app(alice)
    sign_in(client, alice)
    try_code(client, "424242")

    assert "424242" not in str(AccessAttempt.objects.values().get())


# --- Setting up and removing ---------------------------------------------------------------------


def test_an_app_is_set_up_by_its_first_code(client, alice):
    sign_in(client, alice)
    page = client.get(f"{FIRST}app/").content.decode()
    secret = re.search(r'id="totp-key">([A-Z2-7]+)<', page)[1]
    assert client.post(f"{FIRST}app/", {"code": "000000"}).status_code == 422

    answer = client.post(f"{FIRST}app/", {"code": code_at(secret)})

    shown = re.search(r'id="recovery-codes">([^<]+)<', answer.content.decode())[1].split()
    assert len(set(shown)) == 10
    assert has_factor(alice)
    assert shown[0] not in client.get(f"{FIRST}recovery-codes/").content.decode()
    stored = str(Authenticator.objects.values_list("data"))
    assert secret not in stored
    assert AuditEvent.objects.get(verb="factor.add").after == {"kind": "totp"}


def test_a_second_app_is_refused(client, alice):
    secret = with_app(alice)
    sign_in_with_app(client, alice, secret)

    assert client.get(f"{FIRST}app/").headers["Location"] == FIRST
    with pytest.raises(FactorRefused):
        with_app(alice)


def test_a_stranger_cannot_remove_a_factor(client, alice, charlie):
    with_app(alice)
    factor = Authenticator.objects.get(user=alice, type="totp")
    sign_in(client, charlie)

    assert client.post(f"{FIRST}factors/{factor.pk}/remove/").status_code == 404
    assert has_factor(alice)


def test_the_last_factor_takes_the_recovery_codes_along(client, alice):
    secret = with_app(alice)
    factor = Authenticator.objects.get(user=alice, type="totp")
    sign_in_with_app(client, alice, secret)

    assert (
        "It is the last one" in client.get(f"{FIRST}factors/{factor.pk}/remove/").content.decode()
    )
    assert client.post(f"{FIRST}factors/{factor.pk}/remove/").headers["Location"] == FIRST

    assert not Authenticator.objects.filter(user=alice).exists()
    assert not remove_factor(factor=factor, user=alice)
    assert is_signed_in(sign_in(Client(), alice))


def test_a_key_that_is_given_up_makes_a_code_wrong_and_breaks_nothing(client, alice, settings):
    secret = with_app(alice)
    settings.SECRET_KEY, former = "another" * 10, settings.SECRET_KEY
    assert use_code(user=alice, code=code_at(secret)) is None

    settings.SECRET_KEY_FALLBACKS = [former]
    assert use_code(user=alice, code=code_at(secret)) is not None


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "{}",
        "[]",
        "1",
        "[" * 5_000,
        '{"id": "a", "rawId": "a", "type": "public-key", "response": {}}',
        '{"id": "\\u0000"}',
        '{"id": "YQ", "rawId": "YQ", "type": "public-key", "response": {"clientDataJSON": "e30"}}',
        '{"rawId": "YQ", "response": {"clientDataJSON": "e30", "attestationObject": "oA"}}',
        '{"id": "YQ", "rawId": "YQ", "response": {"clientDataJSON": "e30", "signature": "oA"}}',
        "x" * 30_000,
    ],
)
def test_what_is_no_passkey_is_refused(client, alice, credential):
    sign_in(client, alice)
    client.get(f"{FIRST}passkeys/")

    answer = client.post(f"{FIRST}passkeys/", {"credential": credential, "name": "key"})

    assert answer.status_code == 422
    assert not has_factor(alice)
    secret = with_app(alice)
    other = sign_in(Client(), alice)
    other.get("/login/code/")
    assert other.post("/login/code/", {"credential": credential}).status_code == 422
    assert not is_signed_in(other)
    assert use_code(user=alice, code=code_at(secret)) is not None


def test_a_person_has_twenty_passkeys_at_most(alice):
    for number in range(20):
        add_passkey(user=alice, name=f"key {number}", credential={})

    with pytest.raises(FactorRefused):
        add_passkey(user=alice, name="one more", credential={})


@pytest.mark.parametrize("change", ["app/", "passkeys/", "recovery-codes/", "factors/{}/remove/"])
def test_a_change_of_factors_counts_as_a_write(client, alice, settings, change):
    secret = with_app(alice)
    factor = Authenticator.objects.get(user=alice, type="totp")
    sign_in_with_app(client, alice, secret)
    before = list(Authenticator.objects.values())
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"write": [0, 0, 0]}

    address = f"{FIRST}{change.format(factor.pk)}"
    answer = client.post(address)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "50")
    assert list(Authenticator.objects.values()) == before
    assert client.get(address).status_code != 429


# --- Who are you, again? -------------------------------------------------------------------------


@pytest.mark.parametrize("address", [f"{FIRST}app/", f"{FIRST}passkeys/"])
def test_a_change_of_factors_asks_who_it_is_after_ten_minutes(client, alice, clock, address):
    sign_in(client, alice)
    assert client.get(address).status_code == 200
    clock.shift(timedelta(minutes=10))

    for answer in (client.get(address), client.post(address)):
        assert answer.headers["Location"] == f"{FIRST}confirm/?next={address}"
    wrong = client.post(f"{FIRST}confirm/", {"password": "wrong", "next": address})
    assert wrong.status_code == 422
    assert client.get(address).status_code == 302
    right = {"password": password_of(alice), "next": address}
    assert client.post(f"{FIRST}confirm/", right).headers["Location"] == address
    assert client.get(address).status_code == 200


def test_a_token_and_a_key_take_a_fresh_proof(client, alice, clock):
    organisation("acme", owner=alice)
    sign_in(client, alice)
    clock.shift(timedelta(minutes=10))
    typed = {"label": "laptop", "scopes": ["skills:read"], "expires": "90"}

    for address in ("/me/tokens/", "/me/namespaces/acme/keys/"):
        assert client.post(address, typed).headers["Location"] == f"{FIRST}confirm/?next={address}"
        page = client.get(address).content.decode()
        assert f"{FIRST}confirm/?next={address}" in page
        assert 'name="scopes"' not in page
    assert not ApiToken.objects.exists()
    client.post(f"{FIRST}confirm/", {"password": password_of(alice)})
    assert client.post("/me/tokens/", typed).status_code == 200
    assert ApiToken.objects.count() == 1


def test_with_a_factor_the_password_proves_nothing_more(client, alice, clock):
    secret = with_app(alice)
    sign_in_with_app(client, alice, secret)
    clock.shift(timedelta(minutes=10))

    answer = client.post(f"{FIRST}confirm/", {"password": password_of(alice)})

    assert answer.status_code == 422
    assert client.get(f"{FIRST}recovery-codes/").status_code == 302
    client.post(f"{FIRST}confirm/", {"code": code_at(secret)})
    assert client.get(f"{FIRST}recovery-codes/").status_code == 200


def test_nor_does_the_password_of_a_moment_before_there_was_a_factor(client, alice):
    sign_in(client, alice)
    with_app(alice)

    assert client.post(f"{FIRST}recovery-codes/").status_code == 302
    assert codes_left(alice) == 10
    typed = {"label": "laptop", "scopes": ["skills:read"], "expires": "90"}
    assert client.post("/me/tokens/", typed).status_code == 302
    assert not ApiToken.objects.exists()


def test_wrong_passwords_at_the_question_lock_the_name(client, alice):
    sign_in(client, alice)
    for _ in range(site_settings.AXES_FAILURE_LIMIT):
        answer = client.post(f"{FIRST}confirm/", {"password": "wrong"})

    assert answer.status_code == 429


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example/", "javascript:1"])
def test_the_question_leads_on_within_this_site_only(client, alice, wanted):
    sign_in(client, alice)
    said = {"password": password_of(alice), "next": wanted}

    assert client.post(f"{FIRST}confirm/", said).headers["Location"] == FIRST


# --- Staff ---------------------------------------------------------------------------------------


def test_the_demos_staff_need_none(client, mona):
    assert sign_in(client, mona).get("/staff/").status_code == 200


@pytest.mark.parametrize("address", ["/staff/", "/staff/jobs/", "/staff/queue/"])
def test_staff_without_a_factor_are_led_to_its_set_up(client, mona, staff_need_one, address):
    sign_in(client, mona)

    answer = client.get(address)

    assert answer.headers["Location"] == f"{FIRST}?next={address}"
    assert "Staff need a second factor" in client.get(answer.headers["Location"]).content.decode()


def test_calls_of_their_session_are_refused_with_a_code(client, mona, staff_need_one):
    sign_in(client, mona)

    asked = client.get("/staff/queue/", headers={"HX-Request": "true"})
    posted = client.post("/staff/badges/", {"skill": "@alice/pdf-tools"})

    for answer in (asked, posted):
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (
            403,
            "second_factor_required",
        )


def test_to_a_moderator_without_a_factor_pages_of_admins_are_not_there(
    client, mona, staff_need_one
):
    assert sign_in(client, mona).get("/staff/summaries/logs/").status_code == 404


def test_nor_do_they_see_what_is_hidden(client, mona, publish, staff_need_one):
    skill = publish().skill
    skill.moderation_status, skill.moderation_reason = "hidden", "manual.hidden"
    skill.save()

    assert sign_in(client, mona).get("/skills/alice/pdf-tools/").status_code == 404
    other = sign_in_with_app(Client(), mona, with_app(mona))
    assert other.get("/skills/alice/pdf-tools/").status_code == 200


def test_nor_do_services_that_are_given_a_person_let_them_pass(
    client, ada, publish, staff_need_one
):
    publish(namespace=ada.namespace, slug="notes")
    ReservedSlug.objects.create(slug="desk-lamp", reason="Ours.", reserved_by=ada)
    _token, text = create_token(user=ada, label="laptop")
    said = {"authorization": f"Bearer {text}"}
    rename = partial(client.post, "/api/v1/skills/notes/rename", {"newSlug": "desk-lamp"})

    def call() -> str:
        return rename(content_type="application/json", headers=said).headers.get("X-Error-Code")

    page = sign_in(Client(), ada)
    typed = {"slug": "desk-lamp"}
    assert page.post("/me/skills/notes/manage/rename/", typed).status_code == 422
    assert call() == "slug_reserved"
    for _ in range(2):
        page.post("/me/skills/notes/rescan/", {"version": "1.0.0"})
        Scan.objects.update(status="clean", finished_at=timezone.now())
    assert Scan.objects.count() == 1
    with_app(ada)
    assert call() is None


def test_nor_are_they_served_as_admins(client, ada, staff_need_one, settings):
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"read": [1, 5, 9]}
    settings.UPLOAD_MIB_AN_HOUR = [0, 1]
    uploader = Uploader(ada)
    uploader.put("a")

    def limits() -> tuple[str, int]:
        told = client.get("/api/v1/whoami", headers=uploader.headers)
        return told.headers["RateLimit-Limit"], uploader.post("a", [said(1)]).status_code

    assert limits() == ("5", 429)
    with_app(ada)
    assert limits() == ("9", 200)


def test_with_a_factor_they_enter(client, mona, staff_need_one):
    sign_in_with_app(client, mona, with_app(mona))

    assert client.get("/staff/").status_code == 200


def test_the_session_that_set_one_up_enters_and_another_is_asked_for_it(
    client, mona, staff_need_one, clock
):
    sign_in(client, mona)
    before = sign_in(Client(), mona)
    page = client.get(f"{FIRST}app/").content.decode()
    secret = re.search(r'id="totp-key">([A-Z2-7]+)<', page)[1]
    client.post(f"{FIRST}app/", {"code": code_at(secret)})

    assert client.get("/staff/").status_code == 200
    led = before.get("/staff/", follow=True)
    assert led.request["PATH_INFO"] == f"{FIRST}confirm/"
    said = {"code": code_at(secret, 1), "next": "/staff/"}
    assert before.post(f"{FIRST}confirm/", said).headers["Location"] == "/staff/"
    assert before.get("/staff/").status_code == 200


def test_staff_keep_their_last_factor(client, mona, staff_need_one):
    secret = with_app(mona)
    factor = Authenticator.objects.get(user=mona, type="totp")
    sign_in_with_app(client, mona, secret)

    assert client.post(f"{FIRST}factors/{factor.pk}/remove/").status_code == 409
    assert has_factor(mona)
    add_passkey(user=mona, name="key", credential={})
    remove_factor(factor=factor, user=mona)
    assert has_factor(mona)


def test_the_raw_tables_ask_for_it_too(client, ada, staff_need_one):
    sign_in(client, ada)

    led = client.get("/django-admin/", follow=True)

    assert led.request["PATH_INFO"] == FIRST
    secret = with_app(ada)
    assert sign_in_with_app(Client(), ada, secret).get("/django-admin/").status_code == 200


def test_a_token_of_staff_without_a_factor_opens_nothing_of_staff(client, ada, staff_need_one):
    _token, text = create_token(user=ada, label="laptop")
    said = {"authorization": f"Bearer {text}"}

    for address in ("/api/v1/users", "/api/v1/skills/-/reports"):
        answer = client.get(address, headers=said)
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (
            403,
            "second_factor_required",
        ), address
    assert client.get("/api/v1/whoami", headers=said).json()["user"]["role"] == "user"
    with_app(ada)
    assert client.get("/api/v1/users", headers=said).status_code == 200
