"""Where things stand on the site: every address of a page, quoted, whatever a slug or path holds.

Not `reverse()`: an imported slug may hold a character that no route accepts, and a list must show
it all the same.
"""

from __future__ import annotations

from urllib.parse import quote

from django.utils.http import urlencode

TRANSFERS = "/me/transfers/"
"""Where offers of skills are answered."""


def skill_url(owner: str, slug: str, *, tab: str = "") -> str:
    """Return the address of a skill's page."""
    address = f"/skills/{quote(owner, safe='')}/{quote(slug, safe='')}/"
    return f"{address}?tab={tab}" if tab else address


def star_url(owner: str, slug: str) -> str:
    """Return the address that a skill's star is posted to."""
    return f"{skill_url(owner, slug)}star/"


def comments_url(owner: str, slug: str) -> str:
    """Return the address that comments on a skill are posted to."""
    return f"{skill_url(owner, slug)}comments/"


def comment_url(owner: str, slug: str, number: int) -> str:
    """Return the address that leads to one comment; what is done to it stands below."""
    return f"{comments_url(owner, slug)}{number}/"


def report_url(owner: str, slug: str, version: str = "") -> str:
    """Return the address of the form that reports a skill, or one version of it."""
    address = f"{skill_url(owner, slug)}report/"
    return f"{address}?{urlencode({'version': version})}" if version else address


def my_skill_url(owner: str, slug: str) -> str:
    """Return the address of what an owner reads about a skill of theirs."""
    return f"/me/skills/{quote(slug, safe='')}/?{urlencode({'owner': owner})}"


def manage_url(owner: str, slug: str, deed: str = "") -> str:
    """Return the address of what an owner does to a skill, or where one such deed is posted to."""
    page = f"/me/skills/{quote(slug, safe='')}/manage/"
    return f"{page}{f'{deed}/' if deed else ''}?{urlencode({'owner': owner})}"


def publish_url(owner: str = "", slug: str = "") -> str:
    """Return the address of the form that publishes, filled in for a skill that there is."""
    said = {"owner": owner, "slug": slug}
    return f"/publish/?{urlencode(said)}" if slug else "/publish/"


def versions_url(owner: str, slug: str) -> str:
    """Return the address of a skill's list of versions."""
    return f"{skill_url(owner, slug)}versions/"


def version_url(owner: str, slug: str, version: str) -> str:
    """Return the address of the page of one version."""
    return f"{versions_url(owner, slug)}{quote(version, safe='')}/"


def files_url(owner: str, slug: str, version: str) -> str:
    """Return what the addresses of a version's files begin with; no slash at the end."""
    return f"{version_url(owner, slug, version)}files"


def file_url(owner: str, slug: str, version: str, path: str) -> str:
    """Return the address of the page of one file."""
    return f"{files_url(owner, slug, version)}/{quote(path)}"


def raw_file_url(owner: str, slug: str, version: str, path: str) -> str:
    """Return the API's address of a file's bytes."""
    query = {"path": path, "version": version, "ownerHandle": owner}
    return f"/api/v1/skills/{quote(slug, safe='')}/file?{urlencode(query)}"


def diff_url(owner: str, slug: str, old: str = "", new: str = "") -> str:
    """Return the address of a comparison; without versions that of its form."""
    pair = f"{quote(old, safe='')}...{quote(new, safe='')}/" if old else ""
    return f"{skill_url(owner, slug)}diff/{pair}"


def author_url(handle: str) -> str:
    """Return the address of an owner's page."""
    return f"/u/{quote(handle, safe='')}/"


def author_feed_url(handle: str) -> str:
    """Return the address of the feed of an author's skills."""
    return f"/u/{quote(handle, safe='')}.atom"
