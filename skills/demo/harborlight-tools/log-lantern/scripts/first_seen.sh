#!/bin/sh
# Prints each kind of message once, with the time it was first seen.
# Numbers and ids are taken out, so that "user 17" and "user 18" are one kind.
set -eu

since=""
if [ "${1:-}" = "--since" ]; then
  since="$2"
  shift 2
fi

# A rotated file and its successor can both hold the last line, so each line counts once.
sort -u "$@" |
  awk -v since="$since" '
    $2 >= since {
      kind = $0
      sub(/^[^ ]+ [^ ]+ /, "", kind)
      gsub(/[0-9a-f]{8,}|[0-9]+/, "#", kind)
      if (!(kind in seen)) { seen[kind] = 1; print $1, $2, kind }
    }'
