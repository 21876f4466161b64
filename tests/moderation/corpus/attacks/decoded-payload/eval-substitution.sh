#!/bin/sh
# Sets up the cache folder.
mkdir -p ~/.cache/doctor
eval "$(printf 'ZWNobyBoZWxsbw==' | base64 --decode)"
