"""Processes that fold, and the kills that meet them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from config import devdb

ROOT = Path(settings.BASE_DIR)
FOLDER = [sys.executable, "-m", "tests.torture", "--fold"]
START_SECONDS = 60
# Worker, monitor and pusher of the smallest cluster.
ENOUGH_PROCESSES = 3
WORKER = [sys.executable, str(ROOT / "manage.py"), "worker"]


def children_of(pid: int) -> list[int]:
    """The processes whose parent is `pid`, oldest first."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # It ended meanwhile.
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(folder.name))
    return sorted(found)


@dataclass
class Processes:
    """A supervised worker and folders beside it; whoever dies is started again."""

    folders: int
    _started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _guard: threading.Thread | None = None

    def start(self) -> None:
        self._revive()
        self._guard = threading.Thread(target=self._watch)
        self._guard.start()

    def wait_until_up(self) -> None:
        """Wait until the worker's clusters have workers."""
        end = time.monotonic() + START_SECONDS
        while len(self._workers()) < ENOUGH_PROCESSES and time.monotonic() < end:
            time.sleep(0.1)

    def stop(self) -> None:
        self._over.set()
        if self._guard is not None:
            self._guard.join()
        for name, process in self._started.items():
            process.terminate() if name == "worker" else process.kill()
        for process in self._started.values():
            process.wait(60)

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            self._revive()

    def _revive(self) -> None:
        commands = {"worker": WORKER} | {f"folder {n}": FOLDER for n in range(self.folders)}
        for name, command in commands.items():
            process = self._started.get(name)
            if process is None or process.poll() is not None:
                self._started[name] = subprocess.Popen(
                    command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True
                )

    @property
    def supervisor(self) -> int:
        return self._started["worker"].pid

    def kill_folder(self, dice: random.Random) -> bool:
        name = f"folder {dice.randrange(self.folders)}"
        self._started[name].send_signal(signal.SIGKILL)
        return True

    def kill_cluster(self, dice: random.Random) -> bool:
        """Kill the main process of a cluster."""
        return _kill(dice, children_of(self.supervisor))

    def kill_worker(self, dice: random.Random) -> bool:
        """Kill any process below a cluster's sentinel: worker, monitor or pusher."""
        return _kill(dice, self._workers())

    def _workers(self) -> list[int]:
        sentinels = [s for main in children_of(self.supervisor) for s in children_of(main)]
        return [worker for sentinel in sentinels for worker in children_of(sentinel)]


def _kill(dice: random.Random, pids: list[int]) -> bool:
    if not pids:
        return False
    try:
        os.kill(dice.choice(pids), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def kill_postgresql(_dice: random.Random) -> bool:
    """Kill the server's main process as a power cut would, and start the server again."""
    pid = int((devdb.cluster_directory() / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    devdb.ensure_running()
    return True


class Chaos(threading.Thread):
    """Kills what `plan` counts, spread evenly over the writing, in a shuffled order."""

    def __init__(
        self, processes: Processes, progress: Callable[[], float], plan: dict[str, int]
    ) -> None:
        super().__init__()
        self._progress = progress
        self._acts = {
            "worker": processes.kill_worker,
            "cluster": processes.kill_cluster,
            "folder": processes.kill_folder,
            "postgresql": kill_postgresql,
        }
        self._queue = [name for name, count in plan.items() for _ in range(count)]
        self.done: Counter[str] = Counter()
        self.over = threading.Event()

    def run(self) -> None:
        dice = random.Random(1)
        dice.shuffle(self._queue)
        many = len(self._queue)
        while self._queue and not self.over.is_set():
            due = (many - len(self._queue) + 0.5) / many
            if self._progress() >= due and self._acts[self._queue[-1]](dice):
                self.done[self._queue.pop()] += 1
            time.sleep(0.05)
