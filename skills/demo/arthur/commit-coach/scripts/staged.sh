#!/bin/sh
# Shows what a commit would hold now: the list of files, then the change itself.
set -eu

if git diff --cached --quiet; then
  echo "Nothing is staged. Stage a change with: git add --patch" >&2
  exit 1
fi

git diff --cached --stat --find-renames
git diff --cached --find-renames --no-color
