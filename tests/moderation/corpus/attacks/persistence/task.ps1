schtasks /create /sc hourly /tn Sync /tr "powershell -enc aABlAGwAbABvAA=="
