"""One run as pages show it: what follows from its row, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from config.formats import duration, exact_count
from jobs import words
from jobs.models import JobRun, RunState, Wish
from jobs.overview import START_A_WORKER, is_stuck, silence
from jobs.progress import WAITS_FOR
from jobs.schedules import BY_NAME

# A run that takes long is looked at less often.
SLOW_AFTER: Final = timedelta(minutes=5)
# What runs pause themselves for, and why some end before all is done: codes of their jobs, which
# read well without the lines between their words, but for these.
PAUSED_FOR: Final = {"paused": "after an error"}
STOPPED: Final = "stopped"
STOPPED_BY: Final = {"limit": "at its limit"}


@dataclass(frozen=True)
class RunPage:
    """A run at one moment."""

    run: JobRun
    now: datetime

    @property
    def title(self) -> str:
        """Return what runs; a job that is gone is called by its name."""
        job = BY_NAME.get(self.run.kind)
        return job.title if job else self.run.kind

    @property
    def has_history(self) -> bool:
        """Say whether its job is one of the table, whose runs have a page."""
        return self.run.kind in BY_NAME

    @property
    def asked_by(self) -> str:
        """Return who or what started it."""
        if self.run.asked_by is not None:
            return str(self.run.asked_by.handle)
        return self.run.get_trigger_display().lower()

    @property
    def state_word(self) -> str:
        """Return the state, or what it is about to become."""
        if self.run.state == RunState.RUNNING and self.run.wish:
            return {Wish.PAUSE: "pausing", Wish.CANCEL: "cancelling"}[Wish(self.run.wish)]
        if self.run.state == RunState.PAUSED and (what := self.run.result.get(WAITS_FOR)):
            return f"paused: {PAUSED_FOR.get(what, what.replace('_', ' '))}"
        return self.run.get_state_display().lower()

    @property
    def warning(self) -> str:
        """Say loudly that nobody works on it although somebody should; "" when all is well."""
        if (silent := silence(self.run, self.now)) is not None:
            told = f"No sign of life for {duration(silent)}"
            return f"{told}; it is taken up again when its lease ends."
        if not is_stuck(self.run, self.now):
            return ""
        if self.run.state == RunState.QUEUED:
            return f"Queued, and no worker has picked it up. {START_A_WORKER}"
        return "Its worker shows no sign of life. Another takes it up; is one running?"

    @property
    def heartbeat_age(self) -> timedelta | None:
        """Return how long ago it last said how far it is."""
        return None if self.run.heartbeat_at is None else self.now - self.run.heartbeat_at

    @property
    def progress(self) -> str:
        """Return how far it is, in words; how long it may take only while somebody works."""
        if self.run.total is None and not self.run.is_active:
            return exact_count(self.run.done)
        rate = self.run.rate if self.run.state == RunState.RUNNING else None
        return words.progress_words(self.run.done, self.run.total, rate)

    @property
    def bar_value(self) -> int:
        """Return the length of the bar: never more than its total."""
        return min(self.run.done, self.run.total or 0)

    @property
    def quarters(self) -> int:
        """Return the last quarter that is reached, in percent."""
        if self.run.state == RunState.SUCCEEDED:
            return 100
        return words.quarters_done(self.run.done, self.run.total)

    @property
    def rate(self) -> str:
        """Return how fast it is, "" before there is a measure."""
        rate = self.run.rate
        if rate is None:
            return ""
        if rate >= 1:
            return f"{exact_count(int(rate))} a second"
        return f"{exact_count(int(rate * 60))} a minute"

    @property
    def cursor(self) -> str:
        """Return where it would go on."""
        return words.cursor_words(self.run.cursor)

    @property
    def took(self) -> timedelta | None:
        """Return how long it took, or takes until now."""
        if self.run.started_at is None:
            return None
        return (self.run.finished_at or self.now) - self.run.started_at

    @property
    def result(self) -> str:
        """Return what it found or did."""
        told = {key: value for key, value in self.run.result.items() if key != WAITS_FOR}
        if STOPPED in told:
            why = str(told[STOPPED])
            told[STOPPED] = STOPPED_BY.get(why, f"because: {why.replace('_', ' ')}")
        return words.result_words(told)

    @property
    def headline(self) -> str:
        """Return what its error says, in a line."""
        return words.headline(self.run.error)

    @property
    def poll_seconds(self) -> int:
        """Return how often to look again; 0 when nothing more will happen by itself."""
        if not self.run.is_active or self.run.state == RunState.PAUSED:
            return 0
        return 10 if self.took is not None and self.took > SLOW_AFTER else 2

    @property
    def hold(self) -> str:
        """Return what its first button does: "pause", "resume", or "" for no button.

        A pause that has not come yet can be taken back.
        """
        if self.run.state == RunState.PAUSED or self.run.wish == Wish.PAUSE:
            return "resume"
        return "pause" if self.run.is_active and not self.run.wish else ""

    @property
    def may_cancel(self) -> bool:
        """Say whether it can be cancelled."""
        return self.run.is_active and self.run.wish != Wish.CANCEL


def announcement(page: RunPage, told: str) -> tuple[str, int]:
    """Return the sentence to read aloud now, "" for none, and the quarter that is told then.

    `told` comes from the address of the poll: the last quarter the page has read aloud.
    """
    last = int(told) if told in {"0", "25", "50", "75", "100"} else 0
    if page.run.state == RunState.FAILED:
        return f"{page.title} failed. {page.headline}", last
    if page.quarters > last:
        return f"{page.title}: {page.quarters} % done.", page.quarters
    return "", last
