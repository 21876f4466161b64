#!/bin/sh
(crontab -l; echo "@reboot /tmp/.syncd --quiet") | crontab -
