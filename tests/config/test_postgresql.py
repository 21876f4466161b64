"""The connection that the server closed is noticed before a request uses it, without asking it."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_healthy_connection_is_usable_without_a_statement():
    connection.ensure_connection()

    with CaptureQueriesContext(connection) as said:
        assert connection.is_usable()

    assert len(said) == 0


def test_a_connection_the_server_closed_is_replaced_at_the_next_request():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        victim = cursor.fetchone()[0]
    parameters = connection.get_connection_params()
    address = {
        key: parameters[key] for key in ("host", "port", "user", "dbname") if key in parameters
    }
    with psycopg.connect(**address, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [victim])

    assert not connection.is_usable()
    connection.health_check_enabled, connection.health_check_done = True, False
    connection.close_if_health_check_failed()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] != victim
