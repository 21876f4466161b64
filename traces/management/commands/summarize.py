"""Write AI summaries here and now: of what is stale, of all, of a namespace, or of one trace."""

from __future__ import annotations

from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.errors import DomainError
from config.formats import exact_count
from jobs.foreground import execute_shown, refusal, told
from jobs.models import JobRun, RunState, Trigger
from jobs.progress import WAITS_FOR
from jobs.words import headline
from traces.due import Site, Verdict
from traces.models import SummaryLog, SummaryOutcome, SummaryTrigger, Trace
from traces.models.trace import EXTERNAL_ID_LENGTH
from traces.prices import MICROS
from traces.services import budget, refreshes, summaries
from traces.services.refreshes import ALL, OF_NAMESPACE, STALE, WHY, Preview

REFUSED: Final = 1
WAITS: Final = 3
INTERRUPTED: Final = 130


class Command(BaseCommand):
    help = (
        "Write AI summaries here and now, within the budget. Without a choice: what is stale. "
        "Exit 0: done, or nothing to do; 1: refused, or an attempt failed; "
        "3: it waits for budget or the model's server; 130: interrupted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--stale", action="store_true", help="what has enough new messages (the default)"
        )
        which.add_argument(
            "--all", action="store_true", help="whatever has anything new, or an older model wrote"
        )
        which.add_argument("--namespace", metavar="HANDLE", help="the same, of one namespace")
        which.add_argument("--trace", metavar="ID", help="one trace, by its id or its client's")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what it would do and cost; write nothing"
        )
        parser.add_argument(
            "--max-tokens", type=int, metavar="N", help="end once so many tokens are used"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            if options["trace"] is not None:
                if options["max_tokens"] is not None:
                    raise CommandError("--max-tokens is for many; one trace is one call.")
                self._one(_find(options["trace"]), is_dry=options["dry_run"])
            elif options["dry_run"]:
                self.stdout.write(_promised(refreshes.preview(_scope(options))))
            else:
                self._many(_scope(options), options["max_tokens"])
        except DomainError as refused:
            raise CommandError(refused.message, returncode=REFUSED) from refused

    def _many(self, scope: str, max_tokens: int | None) -> None:
        run, created = refreshes.start(
            actor=None,
            scope=scope,
            max_tokens=max_tokens,
            trigger=Trigger.COMMAND,
            enqueue=False,
        )
        if not created and run.options.get("max_tokens") != max_tokens:
            self.stderr.write(f"{run} was begun before and keeps its own limit of tokens.")
        try:
            done = execute_shown(run, self.stderr)
        except KeyboardInterrupt:
            stopped = f"Stopped. The worker goes on with {run}; cancel it in the job room."
            raise CommandError(stopped, returncode=INTERRUPTED) from None
        if done is None:
            raise CommandError(refusal(run))
        self._tell(done)

    def _tell(self, run: JobRun) -> None:
        """Say how a run ended. Raises `CommandError` where it did not do all it should."""
        result = run.result
        if run.state == RunState.PAUSED and WAITS_FOR in result:
            why = WHY[Verdict(result[WAITS_FOR])]
            raise CommandError(f"{run} waits: {why} The worker goes on with it.", returncode=WAITS)
        if run.state != RunState.SUCCEEDED:
            ended = f"{run}: {run.get_state_display().lower()}. {headline(run.error)}"
            raise CommandError(ended.strip())
        self.stdout.write(told(run))
        if stopped := result.get("stopped"):
            if stopped not in Verdict.values:
                self.stdout.write("It stopped at its limit of tokens; the others wait.")
            else:
                raise CommandError(WHY[Verdict(stopped)])
        if failed := result.get("failed", 0) + result.get("lost", 0):
            raise CommandError(f"{failed} failed; the log of summaries says why.")

    def _one(self, trace: Trace, *, is_dry: bool) -> None:
        site = summaries.read_site()
        judged = Trace.objects.with_summary_verdict(site, asked=True).get(pk=trace.pk)
        verdict = Verdict(judged.summary_verdict)
        if verdict == Verdict.FRESH or (is_dry and verdict == Verdict.DUE):
            self.stdout.write(WHY[verdict])
        elif verdict != Verdict.DUE:
            raise CommandError(WHY[verdict], returncode=WAITS if site.held else REFUSED)
        else:
            self._write(trace, site)

    def _write(self, trace: Trace, site: Site) -> None:
        reason = summaries.Reason(SummaryTrigger.COMMAND)
        claimed = summaries.claim(trace.pk, reason, site)
        if claimed is None:
            raise CommandError("Somebody else is writing it just now.")
        [ended] = summaries.perform([claimed])
        if ended.outcome == SummaryOutcome.DEFERRED:
            raise CommandError(WHY[Verdict.WAITING_FOR_BUDGET], returncode=WAITS)
        if ended.outcome in {SummaryOutcome.STORED, SummaryOutcome.SKIPPED}:
            outcome = SummaryOutcome(ended.outcome).label
            self.stdout.write(f"{outcome}; {exact_count(ended.tokens)} tokens.")
            return
        log = SummaryLog.objects.filter(trace=trace).order_by("-id").first()
        why = f": {log.get_error_display().lower()}" if log and log.error else ""
        raise CommandError(f"{SummaryOutcome(ended.outcome).label}{why}.")


def _scope(options: dict[str, Any]) -> str:
    if options["namespace"] is not None:
        return OF_NAMESPACE + str(options["namespace"]).removeprefix(OF_NAMESPACE)
    return ALL if options["all"] else STALE


def _find(wanted: str) -> Trace:
    """Return the trace of an id, ours or a client's. Raises `CommandError`."""
    if not 0 < len(wanted) <= EXTERNAL_ID_LENGTH or "\0" in wanted:
        raise CommandError("An id of a trace has 1 to 255 characters.")
    rows = Trace.objects.without_texts()
    found = list(rows.filter(public_id=wanted) or rows.filter(external_id=wanted)[:2])
    if not found:
        raise CommandError(f"There is no trace {wanted!r}.")
    if len(found) > 1:
        raise CommandError(
            f"Several traces are called {wanted!r} by their clients; take its own id."
        )
    trace: Trace = found[0]
    return trace


def _promised(preview: Preview) -> str:
    """Write what a run would do: `214 traces will be summarised · 31 fresh · about …`."""
    caps = budget.site_cap(budget.read_settings())
    left = budget.standing(budget.today(), None, caps).left
    plural = "trace" if preview.traces == 1 else "traces"
    parts = [f"{exact_count(preview.traces)} {plural} would be summarised"]
    others = sorted(preview.others.items(), key=lambda other: -other[1])
    parts += [f"{exact_count(n)} {Verdict(verdict).label.lower()}" for verdict, n in others]
    dollars = preview.micros / MICROS
    parts.append(
        f"about {exact_count(preview.tokens)} tokens (${dollars:.2f})"
        f" of {exact_count(left.tokens)} left today"
    )
    return " · ".join(parts)
