#!/bin/bash
bash <<< "$(echo ZWNobyBoZWxsbw== | base64 -d)"
