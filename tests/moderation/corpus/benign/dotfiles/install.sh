#!/bin/sh
set -e
for file in zshrc gitconfig vimrc; do
  ln -sf "$PWD/$file" "$HOME/.$file"
done
echo 'eval "$(starship init zsh)"' >> ~/.zshrc
