#!/bin/sh
printf '6563686f2068656c6c6f' | xxd -r -p | sh
