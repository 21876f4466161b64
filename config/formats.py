"""How numbers and times are written for people. Pure functions; None is always written `—`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

NOTHING = "—"

_COUNT_UNITS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k"))
_SIZE_UNITS = ((1024**4, "TB"), (1024**3, "GB"), (1024**2, "MB"), (1024, "KB"))
# The names are fixed: the pages are English whatever the locale of the process is.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NO_FRACTION_FROM = 100
_DOLLAR = 1_000_000
_CENT = 10_000
_RELATIVE_LIMIT = timedelta(days=30)


def compact_count(count: int | None) -> str:
    """Write a count in at most four characters and a unit; it truncates and never rounds up.

    999, 1.2k, 12.4k, 124k, 1.2M. A zero after the point is left out: 1000 is 1k.
    """
    if count is None:
        return NOTHING
    return _scaled(count, _COUNT_UNITS, gap="") or str(count)


def exact_count(count: int | None) -> str:
    """Write every digit of a count, with a comma between thousands."""
    return NOTHING if count is None else f"{count:,}"


def dollars(micros: int | None) -> str:
    """Write money, given in millionths of a US dollar: $1,240.50; less than a cent in full."""
    if micros is None:
        return NOTHING
    if not micros or micros >= _CENT:
        return f"${micros // _CENT / 100:,.2f}"
    return f"${micros / _DOLLAR:.6f}".rstrip("0")


def decimal(number: float, places: int) -> str:
    """Write a measured number with this many decimals and a comma between thousands."""
    return f"{number:,.{places}f}"


def bytes_size(size_bytes: int | None) -> str:
    """Write a size in B, KB, MB, GB or TB (1 KB is 1024 bytes); it truncates like the counts."""
    if size_bytes is None:
        return NOTHING
    return _scaled(size_bytes, _SIZE_UNITS, gap=" ") or f"{size_bytes} B"


def duration(span: timedelta | float | None) -> str:
    """Write a duration, given as a timedelta or in seconds, in at most two units.

    340 ms, 12 s, 4 min, 1 h 12 min, 2 d 3 h. Smaller units are cut off, never rounded up.
    """
    if span is None:
        return NOTHING
    milliseconds = round((span.total_seconds() if isinstance(span, timedelta) else span) * 1000)
    if milliseconds < 0:
        return "-" + duration(timedelta(milliseconds=-milliseconds))
    seconds, rest = divmod(milliseconds, 1000)
    if not seconds and rest:
        return f"{rest} ms"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return _two_units(days, "d", hours, "h")
    if hours:
        return _two_units(hours, "h", minutes, "min")
    return f"{minutes} min" if minutes else f"{seconds} s"


def percent(part: float, whole: float) -> str:
    """Write a share with one decimal, 12.7 %, cut off: it reads 100.0 % only when all is done."""
    return NOTHING if whole <= 0 else f"{part * 1000 // whole / 10:.1f} %"


def relative_time(moment: datetime | None, now: datetime) -> str:
    """Write how long ago an aware moment was: "3 h ago" up to 30 days, then "3 Mar 2026" (UTC).

    A moment in the future reads "in 3 h"; less than a minute either way is "just now".
    """
    if moment is None:
        return NOTHING
    age = now - moment
    distance = abs(age)
    if distance < timedelta(minutes=1):
        return "just now"
    if distance > _RELATIVE_LIMIT:
        return short_date(moment)
    if distance < timedelta(hours=1):
        amount = f"{distance // timedelta(minutes=1)} min"
    elif distance < timedelta(days=1):
        amount = f"{distance // timedelta(hours=1)} h"
    else:
        amount = f"{distance.days} d"
    return f"{amount} ago" if age > timedelta(0) else f"in {amount}"


def short_date(moment: datetime | None) -> str:
    """Write the UTC day of an aware moment: 3 Mar 2026."""
    if moment is None:
        return NOTHING
    return calendar_day(moment.astimezone(UTC))


def calendar_day(day: date) -> str:
    """Write a day of the calendar: 3 Mar 2026."""
    return f"{day_and_month(day)} {day.year}"


def day_and_month(day: date) -> str:
    """Write a day whose year is plain from what stands beside it: 3 Mar."""
    return f"{day.day} {_MONTHS[day.month - 1]}"


def clock_time(moment: datetime | None, now: datetime, zone: tzinfo = UTC) -> str:
    """Write an aware moment as a time of today, 14:05 UTC; of another day with its date."""
    if moment is None:
        return NOTHING
    there, today = moment.astimezone(zone), now.astimezone(zone).date()
    told = f"{there:%H:%M} {offset_name(there)}"
    return told if there.date() == today else f"{calendar_day(there)}, {told}"


def change(now: int | None, before: int | None) -> str:
    """Write a change in percent with its sign, truncated: +12 %, -3.4 %, 0 for none.

    Unknown, and so `—`, when either side is, or when there was nothing to compare with.
    """
    if now is None or before is None or now < 0 or before <= 0:
        return NOTHING
    tenths = abs(now - before) * 1000 // before
    if not tenths:
        return "0"
    whole, rest = divmod(tenths, 10)
    fraction = f".{rest}" if rest else ""
    return f"{'+' if now > before else '-'}{whole:,}{fraction} %"


def exact_time(moment: datetime | None, zone: tzinfo = UTC) -> str:
    """Write an aware moment to the second: 2026-03-03 14:05:12 UTC, or 15:05:12 UTC+1."""
    if moment is None:
        return NOTHING
    there = moment.astimezone(zone)
    return f"{there:%Y-%m-%d %H:%M:%S} {offset_name(there)}"


def offset_name(moment: datetime) -> str:
    """Write how far the zone of an aware moment is from UTC then: UTC, UTC+1, UTC-3:30."""
    offset = moment.utcoffset() or timedelta(0)
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    if not hours and not minutes:
        return "UTC"
    return f"UTC{'-' if offset < timedelta(0) else '+'}{hours}{f':{minutes:02}' if minutes else ''}"


def machine_time(moment: datetime) -> str:
    """Write an aware moment for a `datetime` attribute: 2026-03-03T14:05:12Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def _scaled(amount: int, units: tuple[tuple[int, str], ...], *, gap: str) -> str:
    """Write the amount in the largest unit that fits, truncated towards zero; "" if none fits."""
    sign, size = ("-", -amount) if amount < 0 else ("", amount)
    for unit, name in units:
        if size < unit:
            continue
        whole, tenths = divmod(size * 10 // unit, 10)
        fraction = f".{tenths}" if whole < _NO_FRACTION_FROM and tenths else ""
        return f"{sign}{whole}{fraction}{gap}{name}"
    return ""


def _two_units(major: int, major_name: str, minor: int, minor_name: str) -> str:
    return f"{major} {major_name} {minor} {minor_name}" if minor else f"{major} {major_name}"
