#!/bin/sh
# Hides what looks like a secret. It errs on the side of hiding too much.
set -eu
exec sed -E \
  -e 's/(password|secret|token|authorization)([=: ]+)[^ ,;"]+/\1\2***/Ig' \
  -e 's/[A-Za-z0-9+\/_-]{32,}/***/g'
