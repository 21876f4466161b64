// Code that is hidden in an encoding and run, and code that is fetched and run unseen.

rule decoded_and_run_by_shell {
  meta:
    id = "payload.decoded-shell"
    class = "decoded-payload"
    severity = "critical"
    confidence = "high"
    title = "Encoded text is decoded and run at once"
    attack = "The command is written in base64 or hexadecimal so that neither a reader nor a scanner sees what it does."
    check = "Decode the text without running it."
  strings:
    $pipe = /\b(base64 (-d|-D|--decode)|openssl (base64|enc)[^\n|]{0,40}-d|xxd -r -p|xxd -p -r|uudecode)\b[^\n|]{0,60}\|\s*(gunzip|zcat|gzip -d)?[^\n|]{0,20}\|?\s*(sudo )?(\/bin\/|\/usr\/bin\/env )?(ba|z|da|k)?(sh|python3?|perl|ruby|node|php)\b/
    $substituted = /\b(eval|(ba|z)?sh -c|source|exec)\b[^\n]{0,20}(\$\(|`|<\()[^\n]{0,400}\b(base64 (-d|-D|--decode)|xxd -r -p|openssl (base64|enc)[^\n]{0,20}-d)/
    $here = /\b(ba|z)?sh\s{0,2}(<<<|<\()\s{0,2}["']?\$?\(?[^\n]{0,300}base64 (-d|-D|--decode)/
    $saved = /base64 (-d|-D|--decode)[^\n]{0,40}>\s{0,2}([^\s;&|]{2,80})[^\n]{0,20}(\n|;|&&)[^\n]{0,20}(chmod \+?[0-7x]{1,4}|bash|sh|source|python3?) /
  condition:
    any of them
}

rule decoded_and_run_by_program {
  meta:
    id = "payload.decoded-program"
    class = "decoded-payload"
    severity = "critical"
    confidence = "high"
    title = "A script decodes text and runs it"
    attack = "The real program is a string that no reader can read."
    check = "Decode the text without running it."
  strings:
    $python = /\b(exec|eval)\s{0,2}\(\s{0,2}(compile\()?[^\n]{0,60}\b(b64decode|b32decode|b85decode|a85decode|fromhex|unhexlify|decompress|rot13)/
    $python_import = /__import__\(['"](base64|zlib|codecs|marshal)['"]\)[^\n]{0,60}(b64decode|decompress|loads|decode)[^\n]{0,80}/
    $python_shell = /\b(os\.system|os\.popen|subprocess\.\w{2,12})\s{0,2}\([^\n]{0,60}\b(b64decode|fromhex|unhexlify)\b/
    $script = /\b(eval|Function|execSync|exec|spawnSync?|runInThisContext|setTimeout)\s{0,2}\(\s{0,2}[^\n]{0,40}(\batob\s{0,2}\(|Buffer\.from\([^\n]{0,400}['"](base64|hex)['"])/
    $powershell = /\b(powershell|pwsh)(\.exe)?\b[^\n]{0,80}\s-(e|ec|enc|encodedcommand)\s{1,4}["']?[A-Za-z0-9+\/=]{16,}/i
    $powershell_iex = /\b(iex|Invoke-Expression)\b[^\n]{0,80}FromBase64String/i
    $powershell_pipe = /FromBase64String[^\n]{0,160}\|\s{0,2}(iex|Invoke-Expression)\b/i
    $php = /\beval\s{0,2}\(\s{0,2}(gzinflate|gzuncompress|str_rot13|base64_decode)\s{0,2}\(/
  condition:
    any of them
}

rule fetched_from_bare_address {
  meta:
    id = "remote.bare-address"
    class = "remote-code"
    severity = "critical"
    confidence = "high"
    title = "Code from a bare IP address is run"
    // Addresses of private networks and of the machine itself are not meant: people test there.
    attack = "Nobody answers for a number: it has no name, no certificate and no owner one could ask."
    check = "Whose address is it, and why has it no name?"
  strings:
    $shell = /\b(curl|wget|fetch)\b[^\n|]{0,120}\b(https?:\/\/)?((1[1-9]?|[2-9][0-9]?|1[013-68][0-9]|12[0-689]|17[013-9]|19[013-9]|2[0-9][0-9])\.[0-9]{1,3}|192\.(1[0-57-9][0-9]|16[0-79]|[0-9]{1,2}|2[0-9]{2})|172\.(1[0-5]|3[2-9]|[0-9]|[4-9][0-9]|[12][0-9]{2}))\.[0-9]{1,3}\.[0-9]{1,3}(:[0-9]{2,5})?[^\n]{0,160}(\|\s{0,2}(sudo )?(ba|z|da)?(sh|python3?|perl|node|php)\b|\bchmod \+?[0-7]{0,4}x?|\)["']?\s{0,2}$|&& (ba|z)?sh )/
    $inner = /\b(ba|z)?(sh|eval)\b[^\n]{0,20}(-c )?["']?(\$\(|`|<\()\s{0,2}(curl|wget)\b[^\n]{0,100}\b((1[1-9]?|[2-9][0-9]?|1[013-68][0-9]|12[0-689]|17[013-9]|19[013-9]|2[0-9][0-9])\.[0-9]{1,3}|192\.(1[0-57-9][0-9]|16[0-79]|[0-9]{1,2}|2[0-9]{2})|172\.(1[0-5]|3[2-9]|[0-9]|[4-9][0-9]|[12][0-9]{2}))\.[0-9]{1,3}\.[0-9]{1,3}/
    $powershell = /\b(iwr|irm|Invoke-WebRequest|Invoke-RestMethod|DownloadString|DownloadFile|Start-BitsTransfer|certutil)\b[^\n]{0,80}https?:\/\/((1[1-9]?|[2-9][0-9]?|1[013-68][0-9]|12[0-689]|17[013-9]|19[013-9]|2[0-9][0-9])\.[0-9]{1,3}|192\.(1[0-57-9][0-9]|16[0-79]|[0-9]{1,2}|2[0-9]{2})|172\.(1[0-5]|3[2-9]|[0-9]|[4-9][0-9]|[12][0-9]{2}))\.[0-9]{1,3}\.[0-9]{1,3}[^\n]{0,160}(iex|Invoke-Expression|Start-Process|\.exe|\.ps1|\.bat)/i
  condition:
    any of them
}

rule fetched_from_throwaway_host {
  meta:
    id = "remote.throwaway-host"
    class = "remote-code"
    severity = "high"
    confidence = "high"
    title = "Code from a tunnel, a short link or a file drop is run"
    attack = "The address leads wherever its owner of today wants, and is gone tomorrow."
    check = "Where does the link lead, and who runs it?"
  strings:
    $fetch = /\b(curl|wget|iwr|irm|Invoke-WebRequest)\b[^\n|;]{0,80}(bit\.ly|tinyurl|t\.ly|is\.gd|cutt\.ly|ngrok|trycloudflare|serveo|loca\.lt|localhost\.run|transfer\.|file\.io|anonfiles|gofile|temp\.|catbox|\.onion|short-?link|tunnel)[^\n|]{0,100}\|\s{0,2}(sudo )?(ba|z|da)?(sh|iex|python3?|node|perl)\b/i
    $saved = /\b(curl|wget)\b[^\n;]{0,80}(bit\.ly|tinyurl|t\.ly|is\.gd|cutt\.ly|ngrok|trycloudflare|serveo|loca\.lt|transfer\.|file\.io|gofile|catbox|\.onion|short-?link|tunnel)[^\n]{0,100}(;|&&|\n)[^\n]{0,60}\b(chmod \+?[0-7]{0,4}x|bash|sh|open|\.\/)/i
    $inner = /\b(ba|z)?sh -c ["'](\$\(|`)\s{0,2}(curl|wget)\b[^\n)]{0,60}(bit\.ly|tinyurl|t\.ly|is\.gd|ngrok|trycloudflare|transfer\.|file\.io|\.onion|short-?link|tunnel)/i
  condition:
    any of them
}

rule hidden_download_run {
  meta:
    id = "remote.dropper"
    class = "remote-code"
    severity = "high"
    confidence = "high"
    title = "A program is dropped into a temporary folder, made runnable and started unseen"
    attack = "A dropper: it leaves the program where nobody looks and starts it in the background."
    check = "What is downloaded, and why to such a place?"
  strings:
    $tmp = /\b(curl|wget)\b[^\n]{0,200}(\/tmp\/|\/var\/tmp\/|\/dev\/shm\/|\$TMPDIR|%TEMP%|\/private\/tmp)[^\n]{0,80}(\n|;|&&)[^\n]{0,80}\bchmod\b[^\n]{0,80}(\n|;|&&)[^\n]{0,20}(nohup |setsid |\(?\/tmp\/|\(?\/var\/tmp\/|\/dev\/shm\/|\$TMPDIR)[^\n]{0,60}(&|disown|>\/dev\/null)/
    $quarantine = /\b(curl|wget)\b[^\n]{0,200}(\n|;|&&)[^\n]{0,60}xattr -(c|cr|d|rd|dr)\b[^\n]{0,80}(\n|;|&&)[^\n]{0,60}(chmod|open|\.\/|\/tmp\/)/
    $windows = /\b(mshta|regsvr32|rundll32)(\.exe)?\b[^\n]{0,40}https?:\/\/[^\n]{4,100}/i
    $certutil = /\bcertutil(\.exe)?\b[^\n]{0,20}-urlcache\b[^\n]{0,120}\.(exe|dll|bat|ps1|scr)\b/i
    $bits = /\bbitsadmin(\.exe)?\b[^\n]{0,20}\/transfer\b[^\n]{0,120}\.(exe|dll|bat|ps1|scr)\b/i
    $hidden = /\b(powershell|pwsh)(\.exe)?\b[^\n]{0,40}-(w|windowstyle)\s{1,2}h(idden)?\b[^\n]{0,160}(DownloadString|DownloadFile|Invoke-WebRequest|iwr |irm |FromBase64String)/i
  condition:
    any of them
}

rule fetched_in_the_clear {
  meta:
    id = "remote.unencrypted"
    class = "remote-code"
    severity = "medium"
    confidence = "medium"
    title = "Code is fetched without encryption and run"
    attack = "Anyone on the way can replace what is run."
    check = "Is there an https address of the same vendor?"
  strings:
    $shell = /\b(curl|wget)\b[^\n|;]{0,60}\bhttp:\/\/[a-z0-9.-]{3,80}\.[a-z]{2,10}[^\n|]{0,100}\|\s{0,2}(sudo )?(ba|z|da)?sh\b/i
  condition:
    $shell
}

rule fetched_and_run_by_program {
  meta:
    id = "remote.piped-from-program"
    class = "remote-code"
    severity = "medium"
    confidence = "medium"
    title = "A program fetches an installer and runs it by itself"
    attack = "Nobody reads the command: it stands in code and runs without a question."
    check = "Is the host the vendor's own, and is the person asked before?"
  strings:
    $call = /\b(exec|execSync|spawn|spawnSync|os\.system|os\.popen|subprocess\.(run|call|Popen|check_output|check_call)|system|popen|shell_exec)\s{0,2}\([^\n]{0,40}\b(curl|wget)\b[^\n|]{1,160}\|\s{0,2}(sudo )?(ba|z|da)?(sh|python3?|node|perl)\b/
  condition:
    $call
}

rule fetched_and_run {
  meta:
    id = "remote.piped-installer"
    class = "remote-code"
    severity = "low"
    confidence = "high"
    title = "An installer is fetched and run without being looked at"
    attack = "Common with known vendors, and the usual way in for everybody else."
    check = "Is the host the vendor's own?"
  strings:
    $pipe = /\b(curl|wget)\b[^\n|]{1,200}\|\s{0,2}(sudo )?(-E )?(ba|z|da|k)?(sh|python3?|node|perl)\b/
    $inner = /\b((ba|z)?sh -c|eval|source|sh) {0,2}["']?(\$\(|`|<\()\s{0,2}(curl|wget)\b[^\n]{0,120}/
    $powershell = /\b(iwr|irm|Invoke-WebRequest|Invoke-RestMethod|DownloadString)\b[^\n|]{0,120}(\|\s{0,2}(iex|Invoke-Expression)\b)/i
    $powershell_first = /\b(iex|Invoke-Expression)\b[^\n]{0,40}(iwr|irm|DownloadString|Invoke-WebRequest)\b[^\n]{0,80}/i
    $program = /\b(exec|eval)\s{0,2}\(\s{0,2}(requests\.get|urllib\.request\.urlopen|urlopen|await \(await fetch|fetch)\s{0,2}\([^\n]{0,100}/
  condition:
    any of them
}

rule address_without_name {
  meta:
    id = "remote.unnamed-address"
    class = "remote-code"
    severity = "low"
    confidence = "low"
    title = "A link leads to a bare IP address"
    attack = "Nobody answers for a number. Where the link is hidden in an encoding, it is part of an attack."
    check = "Is it somebody's own server?"
  strings:
    $link = /\bhttps?:\/\/((1[1-9]?|[2-9][0-9]?|1[013-68][0-9]|12[0-689]|17[013-9]|19[013-9]|2[0-9][0-9])\.[0-9]{1,3}|192\.(1[0-57-9][0-9]|16[0-79]|[0-9]{1,2}|2[0-9]{2})|172\.(1[0-5]|3[2-9]|[0-9]|[4-9][0-9]|[12][0-9]{2}))\.[0-9]{1,3}\.[0-9]{1,3}\b/
  condition:
    $link
}

rule remote_program_text {
  meta:
    id = "remote.evaluated"
    class = "remote-code"
    severity = "high"
    confidence = "medium"
    title = "A script runs text that it has just fetched"
    attack = "What the skill does is decided by a server, anew each time."
    check = "What does the server send, and who owns it?"
  strings:
    $python = /\b(exec|eval)\s{0,2}\(\s{0,2}(requests\.get|urllib\.request\.urlopen|urlopen|httpx\.get)\s{0,2}\([^\n]{0,100}/
    $script = /\b(eval|new Function)\s{0,2}\(\s{0,2}await[^\n]{0,20}\bfetch\s{0,2}\([^\n]{0,100}/
    $npm = /"(pre|post)install"\s{0,2}:\s{0,2}"[^"\n]{0,80}\b(curl|wget|node -e|powershell|iwr|base64)\b[^"\n]{0,120}/
  condition:
    any of them
}
