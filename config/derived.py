"""Denormalised fields and rows: one rule each, used by every door that could make them stale.

A rule is an ORM expression over source rows. The same rule serves the save hook, the delete hook,
the bulk doors, the backfill and the drift check, so no second statement of it can disagree.

How a refresh stays right when several writers meet (`docs/architecture.md`, "Derived fields"):
lock the parents in primary-key order, then recompute in a *second* statement, whose snapshot is
taken after the wait. A sub-select inside one UPDATE would read the state from before the wait.
This needs READ COMMITTED, PostgreSQL's and Django's default.

Raw SQL is allowed here: `INSERT … SELECT … ON CONFLICT` has no spelling in the ORM.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Self, cast

from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import F
from django.db.models.signals import post_delete

BATCH = 500

Rule = Callable[[], Any]
Keys = set[int]


class DerivedColumnWrite(TypeError):
    """Code tried to write a derived column by hand; change its source instead."""


class Differs(models.Func):
    """`a IS DISTINCT FROM b`: true where they differ, NULL counted as a value."""

    template = "(%(expressions)s)"
    arg_joiner = " IS DISTINCT FROM "
    output_field = models.BooleanField()
    conditional = True


class KeyIn(models.Func):
    """`pk = ANY(keys)`: one parameter however many keys, so that compiled SQL can be kept."""

    output_field = models.BooleanField()
    conditional = True

    def __init__(self, keys: object) -> None:
        """Compare the primary key with `keys`, a list or a stand-in for one."""
        super().__init__(F("pk"))
        self.keys = keys

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # noqa: ARG002
        """Write the comparison with an array."""
        key, _none = compiler.compile(self.source_expressions[0])
        return f"({key} = ANY(%s))", [self.keys]


# Stands for the list of keys in SQL that is composed once and kept.
_KEYS: Any = object()


@dataclass(frozen=True)
class Children:
    """A link for sources above the target: target rows whose `column` holds the source's key.

    A new row locks its source, so that neither misses the other. Whoever moves a standing row to
    another source locks that source first.
    """

    column: str


Link = str | Children


@dataclass(frozen=True, eq=False)
class DerivedField:
    """A column that follows from rows of `sources`.

    `sources` maps a model's label to the attribute of its rows that holds the target's primary
    key ("pk" when the row is its own source), or to `Children(column)` where the target row
    points at the source. A rule reads source rows and plain columns, never another derived field
    of its target: one UPDATE refreshes them all, so it would read the value from before.
    """

    target: str
    name: str
    rule: Rule
    sources: Mapping[str, Link]

    def __post_init__(self) -> None:
        _register(self)

    @property
    def label(self) -> str:
        """Return `app.Model.field`, the name used by the command and in reports."""
        return f"{self.target}.{self.name}"

    @property
    def anchor(self) -> str:
        """Return the model whose rows are locked before a refresh: the target itself."""
        return self.target

    def rows(self) -> models.QuerySet[Any]:
        """Return every target row, hidden ones too."""
        rows: models.QuerySet[Any] = apps.get_model(self.target)._base_manager.all()
        return rows

    def stale(self) -> Differs:
        """Return the condition "stored differs from rule"."""
        return Differs(F(self.name), self.rule())

    def drifted(self) -> models.QuerySet[Any]:
        """Return the target rows whose stored value differs from the rule."""
        return self.rows().filter(self.stale())

    def drift_statement(self) -> tuple[str, tuple[Any, ...]]:
        """Return the statement that finds the primary keys of `drifted()`, and its parameters."""
        sql, params = self.drifted().values_list("pk").query.sql_with_params()
        return sql, tuple(params)

    def drifted_keys(self) -> list[int]:
        """Return the primary keys of `drifted()`, in order."""
        return list(self.drifted().order_by("pk").values_list("pk", flat=True))


@dataclass(frozen=True, eq=False)
class DerivedRows:
    """Rows of `target` that follow, whole, from rows of `anchor`.

    `rule` is a `values()` queryset over the anchor whose columns are named like the target's.
    `link` is the target's column that holds the anchor's key, `key` the columns that (with it)
    identify a row; the target has a unique constraint on them.
    """

    target: str
    anchor: str
    link: str
    key: tuple[str, ...]
    rule: Callable[[], models.QuerySet[Any, dict[str, Any]]]
    sources: Mapping[str, Link] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _register(self)

    @property
    def label(self) -> str:
        """Return `app.Model`, the name used by the command and in reports."""
        return self.target

    @cached_property
    def _expected(self) -> tuple[str, tuple[Any, ...], list[str]]:
        """The rule's SQL for the anchors of `_KEYS`, its parameters, the target's columns."""
        query = self.rule().filter(KeyIn(_KEYS)).query
        sql, params = query.sql_with_params()
        return sql, params, [_column(self.target, name) for name in query.selected or ()]

    def refresh(self, keys: list[int]) -> None:
        """Make the rows of these anchors equal to the rule; write only what differs.

        The caller holds the anchors' locks (see `_refresh_anchored`).
        """
        with connection.cursor() as cursor:
            cursor.execute(self._refresh_sql, [*_with_keys(self._expected[1], keys), keys])

    @cached_property
    def _refresh_sql(self) -> str:
        expected, _params, columns = self._expected
        table, named, identity = _table(self.target), ", ".join(columns), self._key_columns()
        same_key = " AND ".join(f"e.{c} = t.{c}" for c in identity)
        others = [c for c in columns if c not in identity]
        return (
            f"WITH expected ({named}) AS ({expected}), gone AS ("  # noqa: S608
            f" DELETE FROM {table} t WHERE t.{_column(self.target, self.link)} = ANY(%s)"
            f" AND NOT EXISTS (SELECT 1 FROM expected e WHERE {same_key}))"
            f" INSERT INTO {table} AS t ({named}) SELECT {named} FROM expected"
            f" ON CONFLICT ({', '.join(identity)}) DO UPDATE SET "
            # What is equal stays the stored value: a long one is not written again beside the row,
            # nor its index.
            + ", ".join(
                f"{c} = CASE WHEN t.{c} IS DISTINCT FROM excluded.{c}"
                f" THEN excluded.{c} ELSE t.{c} END"
                for c in others
            )
            + f" WHERE ({', '.join(f't.{c}' for c in others)}) IS DISTINCT FROM"
            f" ({', '.join(f'excluded.{c}' for c in others)})"
        )

    def drift_statement(self) -> tuple[str, tuple[Any, ...]]:
        """Return the statement that finds the anchors of `drifted_keys`, and its parameters."""
        sql, params = self.rule().query.sql_with_params()
        named, link = ", ".join(self._expected[2]), _column(self.target, self.link)
        drift = (
            f"WITH expected ({named}) AS MATERIALIZED ({sql}),"  # noqa: S608
            f" stored AS (SELECT {named} FROM {_table(self.target)})"
            f" SELECT DISTINCT {link} FROM ("
            f" (TABLE expected EXCEPT TABLE stored) UNION ALL"
            f" (TABLE stored EXCEPT TABLE expected)) AS drift"
        )
        return drift, tuple(params)

    def drifted_keys(self) -> list[int]:
        """Return the anchors with a row missing, left over or different, in order."""
        sql, params = self.drift_statement()
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} ORDER BY 1", params)
            return [row[0] for row in cursor.fetchall()]

    def rows(self) -> models.QuerySet[Any]:
        """Return every anchor row: the unit of a backfill."""
        rows: models.QuerySet[Any] = apps.get_model(self.anchor)._base_manager.all()
        return rows

    def _key_columns(self) -> list[str]:
        return [_column(self.target, name) for name in self.key]


Derivation = DerivedField | DerivedRows
REGISTRY: list[Derivation] = []


def _table(label: str) -> str:
    return connection.ops.quote_name(apps.get_model(label)._meta.db_table)


def _column(label: str, name: str) -> str:
    meta = apps.get_model(label)._meta
    return connection.ops.quote_name(meta.get_field(name).column)


def _key_column(label: str) -> str:
    return connection.ops.quote_name(apps.get_model(label)._meta.pk.column)


def _register(derivation: Derivation) -> None:
    REGISTRY.append(derivation)
    for label in derivation.sources:
        post_delete.connect(_after_delete, sender=label, dispatch_uid=f"derived:{label}")


def _fed_by(label: str) -> list[tuple[Derivation, Link]]:
    return [(d, d.sources[label]) for d in REGISTRY if label in d.sources]


def own_columns(label: str) -> set[str]:
    """Return the derived columns of a model: what its own `save()` never writes."""
    return {d.name for d in REGISTRY if isinstance(d, DerivedField) and d.target == label}


def _link_columns(label: str) -> set[str]:
    """Return the attributes that a source row must show so that its targets are known."""
    return {link for _, link in _fed_by(label) if isinstance(link, str)} | {"pk"}


# --- Collecting what became stale, refreshing it -------------------------------------------------


class _Pending(threading.local):
    depth = 0

    def __init__(self) -> None:
        self.stale: dict[Derivation, Keys] = defaultdict(set)


_pending = _Pending()


@contextmanager
def deferred() -> Iterator[None]:
    """Collect every refresh of the block and run each once at its end, in one transaction.

    Inside the block derived values are those from before it. Nested blocks join the outermost;
    a nested block that fails takes back what it queued, as its savepoint takes back its writes.
    """
    with transaction.atomic():
        before = {derivation: set(keys) for derivation, keys in _pending.stale.items()}
        _pending.depth += 1
        try:
            yield
        except BaseException:
            _pending.stale = defaultdict(set, before)
            raise
        finally:
            _pending.depth -= 1
        _flush_unless_deferred()


def touch(label: str, rows: Iterable[Mapping[str, Any]], *, new: bool = False) -> None:
    """Refresh what follows from these source rows (each given by its link columns).

    `new` rows get every derived column of their own, also those no source row has fed yet.
    """
    rows = list(rows)
    if new:
        _hold_sources_above(label, [row["pk"] for row in rows])
        for derivation in REGISTRY:
            if isinstance(derivation, DerivedField) and derivation.target == label:
                _pending.stale[derivation] |= {row["pk"] for row in rows}
    for derivation, link in _fed_by(label):
        _pending.stale[derivation] |= _target_keys(derivation, link, rows)
    _flush_unless_deferred()


def _hold_sources_above(label: str, keys: list[int]) -> None:
    """Lock the rows that new ones point at: a change of theirs could not see the new ones yet."""
    above = (link for d in REGISTRY if d.anchor == label for link in d.sources.items())
    for source, link in dict.fromkeys(above):
        if isinstance(link, Children):
            key = _key_column(source)
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT 1 FROM {_table(source)} WHERE {key} IN"  # noqa: S608
                    f" (SELECT {_column(label, link.column)} FROM {_table(label)}"
                    f" WHERE {_key_column(label)} = ANY(%s)) ORDER BY {key} FOR SHARE",
                    [keys],
                )


def _target_keys(derivation: Derivation, link: Link, rows: Iterable[Mapping[str, Any]]) -> Keys:
    if isinstance(link, str):
        return {row[link] for row in rows if row[link] is not None}
    parents = [row["pk"] for row in rows if row["pk"] is not None]
    return set(
        derivation.rows().filter(**{f"{link.column}__in": parents}).values_list("pk", flat=True)
    )


def _flush_unless_deferred() -> None:
    if _pending.depth or not any(_pending.stale.values()):
        return
    try:
        with transaction.atomic(savepoint=False):
            while _pending.stale:
                # Declaration order: a derivation stands below what it reads.
                first = min(_pending.stale, key=REGISTRY.index)
                anchored = {d: k for d, k in _pending.stale.items() if d.anchor == first.anchor}
                for derivation in anchored:
                    del _pending.stale[derivation]
                _refresh_anchored(first.anchor, anchored)
    finally:
        _pending.stale.clear()


def _refresh_anchored(anchor: str, stale: Mapping[Derivation, Keys]) -> None:
    """Lock the anchors once, then refresh their fields, then their rows."""
    keys = sorted(set().union(*stale.values()))
    fields = tuple(d for d in REGISTRY if isinstance(d, DerivedField) and d in stale)
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        changed = 0
        with connection.cursor() as cursor:
            cursor.execute(*_lock_statement(anchor, batch))
            if fields:
                sql, params = _update_statement(fields)
                cursor.execute(sql, _with_keys(params, batch))
                changed = cursor.rowcount
        for derivation in REGISTRY:
            if isinstance(derivation, DerivedRows) and derivation.anchor == anchor:
                follows = changed and anchor in derivation.sources
                if follows or derivation in stale:
                    derivation.refresh(batch)
        if changed:
            _touch_above(anchor, batch)


def _lock_statement(anchor: str, keys: list[int]) -> tuple[str, list[Any]]:
    table, key = _table(anchor), _key_column(anchor)
    sql = f"SELECT {key} FROM {table} WHERE {key} = ANY(%s) ORDER BY {key} FOR NO KEY UPDATE"  # noqa: S608
    return sql, [keys]


@cache
def _update_statement(fields: tuple[DerivedField, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return one UPDATE of these fields of one target, for the rows of `_KEYS` that differ.

    Each rule is computed once a row: the fence keeps the planner from writing it into the
    comparison and into the assignment.
    """
    label = fields[0].target
    table, key = _table(label), _key_column(label)
    names = [_column(label, derived.name) for derived in fields]
    rules = {f"fresh_{derived.name}": derived.rule() for derived in fields}
    query = fields[0].rows().filter(KeyIn(_KEYS)).annotate(**rules).values("pk", *rules).query
    fresh, params = query.sql_with_params()
    named, new = ", ".join(names), ", ".join(f"f.{name}" for name in names)
    old = ", ".join(f"t.{name}" for name in names)
    sql = (
        f"WITH fresh ({key}, {named}) AS MATERIALIZED ({fresh})"  # noqa: S608
        f" UPDATE {table} t SET ({named}) = ROW ({new}) FROM fresh f"
        f" WHERE t.{key} = f.{key} AND ({old}) IS DISTINCT FROM ({new})"
    )
    return sql, params


def _with_keys(params: tuple[Any, ...], keys: list[int]) -> list[Any]:
    return [keys if param is _KEYS else param for param in params]


def _touch_above(anchor: str, keys: list[int]) -> None:
    """Queue what other models derive from these rows; the flush loop takes it up."""
    above = [(d, link) for d, link in _fed_by(anchor) if d.anchor != anchor]
    if above:
        rows = apps.get_model(anchor)._base_manager.filter(pk__in=keys)
        snapshot = list(rows.values(*_link_columns(anchor)))
        for derivation, link in above:
            _pending.stale[derivation] |= _target_keys(derivation, link, snapshot)


def refresh(derivation: Derivation, keys: Iterable[int]) -> None:
    """Make the stored values of these rows equal to the rule: the door of backfill and repair."""
    with transaction.atomic():
        _pending.stale[derivation] |= set(keys)
        _flush_unless_deferred()


def refresh_all(
    derivation: Derivation, progress: Callable[[int], object] = lambda _done: None
) -> int:
    """Re-evaluate every row in batches by primary key; return how many were visited.

    Resumable and safe beside writers: each batch is a transaction of its own.
    """
    done, last = 0, 0
    while True:
        rows = derivation.rows().filter(pk__gt=last).order_by("pk")
        keys = list(rows.values_list("pk", flat=True)[:BATCH])
        if not keys:
            return done
        refresh(derivation, keys)
        last = keys[-1]
        done += len(keys)
        progress(len(keys))


# --- The doors -----------------------------------------------------------------------------------


def _after_delete(sender: type[models.Model], instance: models.Model, **_: object) -> None:
    label = sender._meta.label
    touch(label, [{name: getattr(instance, name) for name in _link_columns(label)}])


class DerivedQuerySet(models.QuerySet[Any]):
    """The bulk doors: `bulk_create`, `update` and `delete` refresh what they made stale, once."""

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Insert, then refresh once for all parents touched."""
        label = self.model._meta.label
        _check_upsert(label, self.model, kwargs.get("update_fields") or ())
        if kwargs.get("ignore_conflicts") and any(link == "pk" for _, link in _fed_by(label)):
            # The database does not tell which rows are new, so their own fields cannot follow.
            raise TypeError(f"{label} carries derived fields: ignore_conflicts would miss them")
        with transaction.atomic(savepoint=False):
            made = super().bulk_create(objs, *args, **kwargs)
            links = _link_columns(label)
            touch(label, [{name: getattr(obj, name) for name in links} for obj in made], new=True)
        return made

    def update(self, **values: Any) -> int:
        """Update, then refresh the parents these rows have and had."""
        label = self.model._meta.label
        if by_hand := own_columns(label) & values.keys():
            raise DerivedColumnWrite(f"{sorted(by_hand)} of {label} follow from a rule")
        if not _fed_by(label):
            return super().update(**values)
        with transaction.atomic(savepoint=False):
            # Locked first: a row that starts to match later is not updated, so it is not missed.
            before = self._locked_links()
            chosen = self.model._base_manager.filter(pk__in=[row["pk"] for row in before])
            count = models.QuerySet.update(chosen, **values)
            touch(label, [*before, *chosen.values(*_link_columns(label))])
        return count

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete with one refresh at the end instead of one per row."""
        with deferred():
            # Locked first: a row must not move to another parent before it goes.
            touch(self.model._meta.label, self._locked_links())
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def _locked_links(self) -> list[dict[str, Any]]:
        """Lock these rows, in key order like every other lock here; return their links."""
        found = self.select_for_update(no_key=True, of=("self",)).order_by("pk")
        return list(found.values(*_link_columns(self.model._meta.label)))


def _check_upsert(label: str, model: type[models.Model], updated: Iterable[str]) -> None:
    """Refuse an upsert that writes derived columns, or links whose old value nobody would know."""
    columns = {
        cast("models.Field[Any, Any]", model._meta.get_field(name)).attname for name in updated
    }
    if by_hand := own_columns(label) & columns:
        raise DerivedColumnWrite(f"{sorted(by_hand)} of {label} follow from a rule")
    if moved := _link_columns(label) & columns:
        raise TypeError(f"update_conflicts of {label} cannot move {sorted(moved)}; use update()")


class DerivedModel(models.Model):
    """Base of every model that feeds, or carries, derived fields.

    Its `objects` come from a `DerivedQuerySet`; check config.E006 says where they do not.
    """

    class Meta:
        abstract = True

    def save(self, **kwargs: Any) -> None:
        """Save the plain columns, refresh what follows, re-read the own derived columns."""
        label = self._meta.label
        own = own_columns(label)
        links = _link_columns(label)
        adding = self._state.adding
        if own and not adding:
            names = kwargs.get("update_fields")
            unread = self.get_deferred_fields() | {self._meta.pk.attname}
            plain = {f.name for f in self._meta.concrete_fields if f.attname not in unread} - own
            kwargs["update_fields"] = plain if names is None else set(names) - own
        with transaction.atomic(savepoint=False):
            # The row's own links may be stale on this instance; the truth is in the database.
            is_new = self.pk is None or (adding and kwargs.get("force_insert"))
            before = [] if is_new or links == {"pk"} else list(self._stored().values(*links))
            super().save(**kwargs)
            now = {name: getattr(self, name) for name in links}
            touch(label, [*before, now], new=adding)
            if own and not _pending.depth:
                self.refresh_from_db(fields=sorted(own))

    def delete(self, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete with its cascade, then refresh once what the rows fed."""
        label = self._meta.label
        with deferred():
            # As in `save`: the parents the row really has are those in the database.
            touch(label, list(self._stored().values(*_link_columns(label))))
            return super().delete(**kwargs)

    def _stored(self) -> models.QuerySet[Self]:
        rows = type(self)._base_manager.filter(pk=self.pk)
        return rows.select_for_update(no_key=True)
