"""Which worker of xdist gets which tests: a file that shares what takes long to make goes whole.

In chunks of six, both workers would make it.
"""

from __future__ import annotations

from xdist.scheduler import LoadScheduling

# Each has a fixture for its whole file, or for all files of a folder, that takes seconds.
SHARING = (
    "tests/config/test_devdb.py",
    "tests/flows/test_demo.py",
    "tests/jobs/worker/",
    "tests/skills/test_board_cost.py",
    "tests/skills/test_demo.py",
    "tests/skills/test_import_archive.py",
    "tests/skills/test_listing_cost.py",
    "tests/skills/test_stats_cost.py",
    "tests/traces/test_cost.py",
    "tests/traces/test_summary_cost.py",
)


class WholeFiles(LoadScheduling):
    """Chunks of consecutive tests, drawn out to the end of what shares."""

    def _send_tests(self, node, num: int) -> None:
        while 0 < num < len(self.pending) and self._share(num - 1, num):
            num += 1
        super()._send_tests(node, num)

    def _share(self, *places: int) -> bool:
        """Say whether the tests at these places of what is pending share something."""
        names = [self.collection[self.pending[place]] for place in places]
        return any(all(name.startswith(whole) for name in names) for whole in SHARING)
