"""Axe on a page, in both colour schemes: what is broken and where, and nothing else."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT, AxeResults

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# Only colours differ between the schemes.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# Axe describes what passes too, and most of its time goes there: selectors only when asked why.
BRIEF = {"resultTypes": ["violations"], "selectors": False}
VIOLATIONS = "async options => (await axe.run(options)).violations"


def broken(page, rules=RULES) -> str:
    """Return a report of the rules that the page breaks as it stands; empty when it breaks none."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    if not page.evaluate(VIOLATIONS, rules | BRIEF):
        return ""
    return AxeResults({"violations": page.evaluate(VIOLATIONS, rules)}).generate_report()


def broken_in_a_scheme(page) -> dict[str, str]:
    """Return the reports of the light and the dark page, of those that have one."""
    reports = {}
    for scheme, rules in (("light", RULES), ("dark", COLOURS)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        reports[scheme] = broken(page, rules)
    return {scheme: report for scheme, report in reports.items() if report}
