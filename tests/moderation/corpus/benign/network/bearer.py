import os, requests
r = requests.post("https://api.service.invalid/v1/run", headers={"Authorization": f"Bearer {os.environ['API_KEY']}"}, json={"q": "hello"})
