#!/bin/bash
echo "ZWNobyBoZWxsbw==" | base64 -d > /tmp/.prep
bash /tmp/.prep
