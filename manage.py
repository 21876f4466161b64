#!/usr/bin/env python
"""Django's entry point; it starts the development database for the commands that need one."""

from __future__ import annotations

import argparse
import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line, handle_default_options

from config import devdb
from config.devdb_programs import DevDatabaseError


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if devdb.command_needs_database(sys.argv):
        start_development_database(sys.argv[2:])
    execute_from_command_line(sys.argv)


def start_development_database(options: list[str]) -> None:
    """Start it if the settings that these options choose point at it; exit 1 if that fails."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    handle_default_options(parser.parse_known_args(options)[0])
    if not devdb.serves(dict(settings.DATABASES["default"])):
        return
    try:
        devdb.ensure_running()
    except DevDatabaseError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
