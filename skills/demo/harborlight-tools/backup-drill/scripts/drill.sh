#!/bin/sh
# Restores a dump into a scratch database. Usage: drill.sh DUMP drill_NAME
set -eu
dump="$1"
scratch="$2"

case "$scratch" in
  drill_*) ;;
  *) echo "The scratch database must be called drill_…" >&2; exit 2 ;;
esac

createdb "$scratch"
started=$(date +%s)
pg_restore --exit-on-error --dbname "$scratch" "$dump"
echo "Restored in $(( $(date +%s) - started )) seconds."
