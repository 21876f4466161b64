#!/bin/sh
for v in API_KEY TOKEN; do [ -n "$(printenv $v)" ] || echo "$v is missing"; done
curl -s https://api.service.invalid/health
