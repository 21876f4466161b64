import subprocess
out = subprocess.run(["security", "find-generic-password", "-s", "svc", "-w"], capture_output=True)
