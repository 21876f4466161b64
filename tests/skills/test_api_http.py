"""What holds for every call: methods, addresses, rate limits, tokens."""

from __future__ import annotations

import pytest

from accounts.services import create_token, revoke_token
from config.ratelimit import forget_reads

pytestmark = pytest.mark.django_db

CALLS = (
    "/api/v1/skills",
    "/api/v1/search?q=pdf",
    "/api/v1/skills/pdf-tools",
    "/api/v1/skills/pdf-tools/versions",
    "/api/v1/skills/pdf-tools/versions/1.0.0",
    "/api/v1/skills/pdf-tools/file?path=SKILL.md",
    "/api/v1/skills/pdf-tools/install",
    "/api/v1/skills/pdf-tools/verify",
    f"/api/v1/resolve?slug=pdf-tools&hash={'0' * 64}",
    "/api/v1/download?slug=pdf-tools",
)
# What may be done at them beside reading.
CHANGED_BY = {
    "/api/v1/skills": "GET, HEAD, POST",
    "/api/v1/skills/pdf-tools": "DELETE, GET, HEAD",
    "/api/v1/skills/pdf-tools/versions/1.0.0": "DELETE, GET, HEAD",
}
UNKNOWN = (
    "/api/v1/skills/",
    "/api/v1/skills/pdf-tools/",
    "/api/v1/skills/pdf-tools/versions/",
    "/api/v1/skills/pdf-tools/nothing",
    "/api/v1/packages",
    "/api/v1",
    "/api/v1/",
    "/api/v2/skills",
    "/api/search",
    "/api/v1/skills/a/b/c/d",
)


@pytest.fixture(autouse=True)
def _skill(publish):
    publish("pdf-tools")


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_head_answers_as_get_without_a_body(client):
    for path in CALLS:
        full, head = client.get(path), client.head(path)

        assert head.status_code == full.status_code == 200
        assert body(head) == b""
        for name in ("Content-Type", "Content-Length", "ETag"):
            assert head.headers.get(name) == full.headers.get(name)


def test_a_wrong_method_is_refused_in_plain_text(client):
    for path in CALLS:
        allowed = CHANGED_BY.get(path, "GET, HEAD")
        for method in {"POST", "PUT", "PATCH", "DELETE"} - set(allowed.split(", ")):
            response = client.generic(method, path)

            assert response.status_code == 405
            assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert response.headers["X-Error-Code"] == "method_not_allowed"
            assert response.headers["Allow"] == allowed
            assert b"GET" in response.content


def test_an_unknown_call_is_plain_text_and_never_redirected(client):
    for path in UNKNOWN:
        for method in (client.get, client.head, client.post, client.delete):
            response = method(path)

            assert response.status_code == 404, path
            assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert response.headers["X-Error-Code"] == "not_found"
            assert b"<" not in response.content
            # 0.20.0 downloads every skill when it reads these words.
            assert b"no matching routes" not in response.content.lower()


# --- Rate limits ----------------------------------------------------------------------------------


def quota(response) -> tuple[int, int]:
    """Limit and remaining, equal in both spellings; the reset in seconds and as a moment."""
    headers = response.headers
    assert headers["X-RateLimit-Limit"] == headers["RateLimit-Limit"]
    assert headers["X-RateLimit-Remaining"] == headers["RateLimit-Remaining"]
    assert 1 <= int(headers["RateLimit-Reset"]) <= 60
    assert int(headers["X-RateLimit-Reset"]) > 1_700_000_000
    return int(headers["RateLimit-Limit"]), int(headers["RateLimit-Remaining"])


def test_every_answer_says_what_is_left(client, settings):
    settings.RATE_LIMITS = {"read": [40, 0, 0], "download": [40, 0, 0]}

    for path in CALLS:
        forget_reads()
        assert quota(client.get(path)) == (40, 39)
        assert quota(client.get(path)) == (40, 38)


def test_refusals_say_what_is_left_too(client):
    for path in (
        "/api/v1/skills/nobody-has-this",
        "/api/v1/skills?limit=0",
        "/api/v1/whoami",
        "/api/v1/download",
        "/api/v1/skills/pdf-tools/file",
    ):
        forget_reads()
        response = client.get(path)

        assert 400 <= response.status_code < 405
        limit, remaining = quota(response)
        assert remaining == limit - 1


def test_over_the_limit_a_client_learns_how_long_to_wait(client, settings):
    settings.RATE_LIMITS = {"read": [2, 0, 0], "download": [2, 0, 0]}
    for path in CALLS:
        forget_reads()
        client.get(path)
        client.get(path)

        response = client.get(path)

        assert response.status_code == 429
        assert quota(response) == (2, 0)
        assert 1 <= int(response.headers["Retry-After"]) <= 60
        assert response.headers["Retry-After"] == response.headers["RateLimit-Reset"]
        assert response.headers["X-Error-Code"] == "rate_limited"
        assert response.headers["Content-Type"].startswith("text/plain")
        assert b"Too many requests" in response.content


def test_a_token_moves_its_caller_out_of_the_shared_bucket(client, settings, alice):
    settings.RATE_LIMITS = {"read": [1, 5, 9]}
    _token, text = create_token(user=alice, label="test")
    client.get("/api/v1/skills")

    assert client.get("/api/v1/skills").status_code == 429
    response = client.get("/api/v1/skills", headers={"Authorization": f"Bearer {text}"})
    assert response.status_code == 200
    assert quota(response) == (5, 4)


def test_guessing_tokens_is_charged_to_the_address(client, settings):
    settings.RATE_LIMITS = {"read": [2, 100, 100]}
    for number in range(2):
        guess = {"Authorization": f"Bearer skb_{number}"}
        assert client.get("/api/v1/whoami", headers=guess).status_code == 401

    assert client.get("/api/v1/whoami", headers=guess).status_code == 429
    assert client.get("/api/v1/skills").status_code == 429


# --- Tokens on public reads -----------------------------------------------------------------------


@pytest.fixture
def stale(alice):
    token, text = create_token(user=alice, label="test")
    revoke_token(token=token, actor=alice)
    return str(text)


def test_a_token_that_opens_nothing_reads_as_everybody_does(client, stale):
    nonsense = ["Bearer nonsense", "Bearer", "Basic YTpi", "Bearer \xff\xfe", "x" * 5_000]
    for path in CALLS:
        for header in [*nonsense, f"Bearer {stale}"]:
            response = client.get(path, headers={"Authorization": header})

            assert response.status_code == 200
            assert quota(response)[0] in {3_000, 1_200}


def test_a_session_cookie_means_nothing_to_the_api(client, publish, settings):
    skill = publish("own-tools").skill
    skill.moderation_status = "hidden"
    skill.save()
    client.post("/login/", {"username": "alice", "password": "alice-keeps-a-secret"})
    assert settings.SESSION_COOKIE_NAME in client.cookies

    assert client.get("/api/v1/skills/own-tools").status_code == 404
    assert client.get("/api/v1/whoami").status_code == 401
