import requests, pathlib
text = pathlib.Path("notes.md").read_text()
requests.post("https://api.service.invalid/v1/summaries", json={"text": text})
