import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills.slugs import (
    CATEGORIES,
    CategoryRefused,
    SlugRefused,
    TopicRefused,
    clean_categories,
    clean_topics,
    confusable_key,
    normalize_slug,
    normalize_topic,
    validate_new_slug,
)


def refusal(kind, call, value):
    with pytest.raises(kind) as caught:
        call(value)
    assert caught.value.message.endswith(".")
    return caught.value.code


@pytest.mark.parametrize(
    "slug", ["pdf", "pdf-tools", "a1b", "123", "a" * 96, "staffing", "x-adminer"]
)
def test_good_slug_is_kept(slug):
    assert validate_new_slug(slug) == slug


def test_slug_is_trimmed_and_lowered_first():
    assert validate_new_slug("  PDF-Tools\n") == "pdf-tools"
    assert normalize_slug(" A ") == "a"


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "ab",
        "a" * 97,
        "-abc",
        "abc-",
        "a--b",
        "a_b",
        "a.b",
        "a b",
        "a/b",
        "абв",
        "a\u0661b",
        "abc\n-",
        "ab\u0301c",
    ],
)
def test_slug_of_another_form_is_refused(slug):
    assert refusal(SlugRefused, validate_new_slug, slug) == "slug_invalid"


@pytest.mark.parametrize(
    "slug",
    ["admin", "API", "settings", "skillboard", "clawhub", "null", "con", "com1", "delete", "staff"],
)
def test_reserved_slug_is_refused(slug):
    assert refusal(SlugRefused, validate_new_slug, slug) == "slug_reserved"


@pytest.mark.parametrize(
    "slug",
    [
        "official-pdf",
        "pdf-verified",
        "clawhub-pdf",
        "pdf-skillboard",
        "admin-x",
        "x-moderator",
        "my-staff",
    ],
)
def test_slug_that_claims_trust_is_refused(slug):
    assert refusal(SlugRefused, validate_new_slug, slug) == "slug_protected"


@given(st.text(max_size=20))
def test_any_text_is_a_slug_or_refused(text):
    try:
        slug = validate_new_slug(text)
    except SlugRefused:
        return
    assert slug.isascii()
    assert validate_new_slug(slug) == slug


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pdf-tools", "pdft00ls"),
        ("bill", "biil"),
        ("b1ll", "bill"),
        ("modern", "modem"),
        ("r-n-x", "mx"),
        ("A_b", "ab"),
    ],
)
def test_slugs_that_look_alike_have_one_key(one, other):
    assert confusable_key(one) == confusable_key(other)


def test_different_slugs_have_different_keys():
    assert confusable_key("pdf-tools") != confusable_key("pdf-tool")


def test_there_are_ten_categories_and_other_is_last():
    assert len({category.key for category in CATEGORIES}) == 10
    assert CATEGORIES[-1].key == "other"
    assert all(key and label for key, label in CATEGORIES)


def test_categories_are_cleaned():
    assert clean_categories([" Data", "web", "data"]) == ("data", "web")
    assert clean_categories([]) == ("other",)


@pytest.mark.parametrize(
    ("categories", "code"),
    [
        (["nonsense"], "category_unknown"),
        ([""], "category_unknown"),
        (["data", "web", "media", "other"], "too_many_categories"),
    ],
)
def test_bad_categories_are_refused(categories, code):
    assert refusal(CategoryRefused, clean_categories, categories) == code


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("Machine Learning", "machine-learning"),
        ("  C++ ", "c"),
        ("Café_au lait", "cafe-au-lait"),
        ("\uff21\uff29", "ai"),
        ("文", ""),
    ],
)
def test_topic_becomes_a_hyphenated_slug(text, topic):
    assert normalize_topic(text) == topic


@given(st.text(max_size=30))
def test_normalising_a_topic_twice_changes_nothing(text):
    assert normalize_topic(normalize_topic(text)) == normalize_topic(text)


def test_topics_are_cleaned():
    assert clean_topics(["PDF", "pdf", "Wordpress admin"]) == ("pdf", "wordpress-admin")
    assert clean_topics([]) == ()


@pytest.mark.parametrize(
    ("topics", "code"),
    [
        (["文"], "topic_invalid"),
        (["a" * 41], "topic_invalid"),
        (["Official"], "topic_protected"),
        (["verified pdf"], "topic_protected"),
        (["Skillboard tips"], "topic_protected"),
        (["admin"], "topic_protected"),
        (list("abcdef"), "too_many_topics"),
    ],
)
def test_bad_topics_are_refused(topics, code):
    assert refusal(TopicRefused, clean_topics, topics) == code
