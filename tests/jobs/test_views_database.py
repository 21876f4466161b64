"""What statements cost: read by staff, forgotten by admins, and no failure without the extension."""

from __future__ import annotations

import pytest
from django.db import ProgrammingError, connection
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import AuditEvent
from jobs import statements
from tests.factories.accounts import sign_in

pytestmark = pytest.mark.django_db

MARK = "the_marked_statement"


@pytest.fixture
def admin(client, ada) -> Client:
    return sign_in(client, ada)


def resets() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(verb="statements.reset"))


def run_marked(times: int = 3, select: str = "1") -> None:
    with connection.cursor() as cursor:
        for _ in range(times):
            cursor.execute(f"SELECT {select} AS {MARK} FROM accounts_user")


def test_statements_are_listed_with_what_they_cost(admin):
    statements._ask(statements._RESET, [])
    run_marked()

    costs = statements.read_costs("calls")
    mine = next(row for row in costs.rows if MARK in row.query)

    assert mine.calls == 3
    assert mine.blocks >= 3
    assert mine.blocks_per_call == mine.blocks / 3
    assert mine.rows == 3
    assert costs.since is not None
    assertContains(admin.get("/staff/database/"), MARK)


@pytest.mark.parametrize("order", statements.ORDERS)
def test_the_address_says_the_order(admin, order):
    response = admin.get(f"/staff/database/?sort={order}")

    assertContains(response, 'aria-sort="descending"', count=1)
    column = statements.ORDERS[order][1]
    found = [getattr(row, column) for row in response.context["costs"].rows]
    assert found == sorted(found, reverse=True)
    assert len(found) <= statements.SHOWN


@pytest.mark.parametrize("sort", ["nothing", "calls; DROP TABLE x", "<script>alert(1)</script>"])
def test_an_unknown_order_is_told_and_ignored(admin, sort):
    response = admin.get("/staff/database/", {"sort": sort})

    assertContains(response, "There is no order")
    assertNotContains(response, "<script>alert")
    assert response.context["order"] == "blocks"


def test_a_statement_is_shown_whole_on_request(admin):
    statements._ask(statements._RESET, [])
    run_marked(select="'<script>alert(1)</script>', '" + "x" * 3_000 + '\'::text COLLATE "C"')
    row = next(row for row in statements.read_costs("calls").rows if MARK in row.query)

    response = admin.get(f"/staff/database/?statement={row.queryid}")

    assertContains(response, "The whole statement")
    assertContains(response, "COLLATE &quot;C&quot;")
    assertNotContains(response, "<script>alert")


@pytest.mark.parametrize("number", ["0", "x", "9" * 30, "-1"])
def test_a_statement_that_is_not_measured_shows_nothing(admin, number):
    response = admin.get(f"/staff/database/?statement={number}")

    assertNotContains(response, "The whole statement")


def test_the_page_stays_small(admin, publish):
    with connection.cursor() as cursor:
        for number in range(60):
            columns = ", ".join(f'"handle" AS "{MARK}_{number}_{c}"' for c in range(60))
            cursor.execute(f'SELECT {columns} FROM "accounts_user"')

    assert len(admin.get("/staff/database/").content) <= 50_000


def test_a_reset_is_asked_done_and_recorded(admin, mona):
    run_marked()
    assertContains(admin.get("/staff/database/reset/"), "begin again at zero")
    assert sign_in(Client(), mona).post("/staff/database/reset/").status_code == 404
    assert not resets()

    response = admin.post("/staff/database/reset/", follow=True)

    assertContains(response, "Measured anew")
    assert not any(MARK in row.query for row in statements.read_costs("blocks").rows)
    assert [event.actor.handle for event in resets()] == ["ada"]


def test_moderators_read_without_a_reset(mona):
    response = sign_in(Client(), mona).get("/staff/database/")

    assert response.status_code == 200
    assertNotContains(response, "/staff/database/reset/")


def test_without_the_extension_the_page_says_what_to_do(admin):
    with connection.cursor() as cursor:
        cursor.execute("DROP EXTENSION pg_stat_statements")

    assertContains(admin.get("/staff/database/"), "CREATE EXTENSION")
    assertContains(admin.post("/staff/database/reset/", follow=True), "CREATE EXTENSION")
    assert not resets()


@pytest.mark.parametrize(
    ("code", "advice"), [("55000", "shared_preload_libraries"), ("42501", "grant")]
)
def test_each_refusal_of_the_server_has_its_advice(admin, code, advice):
    # The server raises it where the view is read, as a server without the library does.
    with connection.cursor() as cursor:
        cursor.execute("DROP EXTENSION pg_stat_statements")
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS oid LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$"
        )
        numbers = "queryid calls shared_blks_hit shared_blks_read total_exec_time rows"
        cursor.execute(
            "CREATE VIEW pg_stat_statements AS SELECT refuse() AS dbid, true AS toplevel,"
            " ''::text AS query, " + ", ".join(f"0 AS {name}" for name in numbers.split())
        )

    assertContains(admin.get("/staff/database/"), advice)


def test_a_fault_that_is_none_of_these_is_not_hidden():
    with pytest.raises(ProgrammingError):
        statements._ask("SELEKT", [])


def test_a_summary_leaves_quotes_and_column_lists_out():
    columns = ", ".join(f'"skills_skill"."c{n}"' for n in range(40))
    cost = statements.Cost(1, f'SELECT {columns} FROM "skills_skill"\n WHERE "id" = $1', *[0] * 6)

    assert cost.summary == "SELECT … FROM skills_skill WHERE id = $1"
