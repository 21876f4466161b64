// Ways to stay on a computer and to be let in from outside.

rule shell_opened_to_outside {
  meta:
    id = "shell.reverse"
    class = "reverse-shell"
    severity = "critical"
    confidence = "high"
    title = "A shell is opened for somebody outside"
    attack = "The computer calls the attacker and obeys what comes back."
    check = "There is no honest use in a skill."
  strings:
    $tcp = /\b(ba|z|k)?sh\b[^\n]{0,30}(>&|<>|>|<|&>)\s{0,2}\/dev\/(tcp|udp)\/[^\s\/]{1,80}\/[0-9$]{1,12}/
    $tcp_exec = /\bexec\b[^\n]{0,10}<>\s{0,2}\/dev\/(tcp|udp)\/[^\s\/]{1,80}\/[0-9$]{1,12}/
    $netcat = /\b(nc|ncat|netcat)(\.exe|\.traditional|\.openbsd)?\b[^\n|]{0,60}\s(-e|-c|--exec|--sh-exec)\s{0,2}["']?(\/bin\/|\/usr\/bin\/)?(ba|z|da)?(sh|cmd|powershell)\b/
    $pipe = /\bmkfifo\b[^\n]{0,80}(\n|;|&&|\|)[^\n]{0,100}\b(ba)?sh\b[^\n]{0,20}-i[^\n]{0,40}\|\s{0,2}(nc|ncat|netcat|openssl)\b[^\n]{0,60}/
    $python = /\bsocket\b[^\n]{0,200}\n?(\n?[^\n]{0,120}){0,6}\bos\.dup2\b[^\n]{0,120}(\n?[^\n]{0,120}){0,4}(pty\.spawn|subprocess|\/bin\/(ba)?sh)/
    $perl = /\bperl\b[^\n]{0,20}-e[^\n]{0,60}\bsocket\b[^\n]{0,300}\bexec\b[^\n]{0,20}sh\b/i
    $ruby = /\bTCPSocket\.(new|open)\b[^\n]{0,120}(\n[^\n]{0,120}){0,4}\b(exec|popen|spawn)[^\n]{0,60}/
    $php = /\bfsockopen\s{0,2}\([^\n]{0,100}(exec|shell_exec|proc_open|popen|system)\b[^\n]{0,60}/
    $powershell = /System\.Net\.Sockets\.TCPClient\b[^\n]{0,200}\n?(\n?[^\n]{0,160}){0,5}(iex|Invoke-Expression)\b/i
    $socat = /\bsocat\b[^\n]{0,60}(exec|EXEC|system|SYSTEM):["']?[^\n]{0,30}sh\b[^\n]{0,60}/
    $node = /\bnet\.(connect|Socket|createConnection)\b[^\n]{0,120}(\n?[^\n]{0,120}){0,6}(spawn|exec)\s{0,2}\(\s{0,2}["'](\/bin\/)?(ba|z)?(sh|cmd)[^\n]{0,40}(\n?[^\n]{0,80}){0,6}\.pipe\(/
  condition:
    any of them
}

rule stays_by_schedule {
  meta:
    id = "persistence.schedule"
    class = "persistence"
    severity = "high"
    confidence = "high"
    title = "Fetched or hidden code is started again and again"
    attack = "A schedule or a start-up entry brings the program back after every restart and every clean-up."
    check = "What does the entry start, and was the person asked?"
  strings:
    $cron = /(([*0-9\/,-]{1,8} ){4}[*0-9\/,-]{1,8}|@reboot|@hourly|@daily)[^\n]{0,40}\b(curl|wget|base64|python3? -c|nc)\b[^\n]{0,200}(\|\s{0,2}(ba|z)?(sh|python3?)\b|\bbash\b|\/tmp\/|base64)/
    $cron_hidden = /(@reboot|([*0-9\/,-]{1,8} ){4}[*0-9\/,-]{1,8})[^\n]{0,20}(\/tmp\/\.|\/var\/tmp\/|\/dev\/shm\/|~\/\.cache\/\.|\$HOME\/\.\w{1,20}\/\.)[^\n]{0,80}/
    $profile = /\b(echo|printf|cat|tee)\b[^\n]{0,200}(curl|wget|base64|nohup|\/tmp\/|nc |python3? -c)[^\n]{0,160}(>>|tee -a)\s{0,2}["']?(~|\$HOME|\$\{HOME\})?\/?[^\s]{0,40}(\.bashrc|\.zshrc|\.profile|\.bash_profile|\.zprofile|\.zshenv|rc\.local)/
    $profile_block = />>\s{0,2}["']?(~|\$HOME|\$\{HOME\})\/\.(bashrc|zshrc|profile|bash_profile|zprofile|zshenv)["']?\s{0,2}<<[^\n]{0,20}(\n[^\n]{0,120}){0,4}\n?[^\n]{0,60}(\b(curl|wget)\b[^\n]{0,100}\|\s{0,2}(ba|z)?sh|nohup |base64 (-d|-D|--decode)|\/tmp\/\.|\/dev\/tcp\/)/
    $service = /ExecStart\s{0,2}=\s{0,2}[^\n]{0,60}(\/tmp\/|\/var\/tmp\/|\/dev\/shm\/|curl |wget |base64|(ba)?sh -c ["'][^\n]{0,40}(curl|wget))/
    $agent = /<key>ProgramArguments<\/key>[^@]{0,240}(curl |\/tmp\/|base64|\/dev\/shm\/|osascript|nc )/
    $registry = /\b(reg add|New-ItemProperty|Set-ItemProperty)\b[^\n]{0,60}\\CurrentVersion\\Run\b[^\n]{0,160}(powershell|cmd|mshta|%TEMP%|\$env:TEMP|AppData|wscript)/i
    $registry_path = /\\CurrentVersion\\Run\b[^\n]{0,80}\n[^\n]{0,20}(New|Set)-ItemProperty\b[^\n]{0,120}(powershell|cmd|mshta|\$env:TEMP|wscript)/i
    $task = /\b(schtasks(\.exe)?\b[^\n]{0,20}\/create|Register-ScheduledTask|New-ScheduledTaskAction)\b[^\n]{0,200}(powershell|mshta|%TEMP%|\$env:TEMP|-enc|wscript|https?:\/\/)/i
    $startup = /(Start Menu\\Programs\\Startup|shell:startup)[^\n]{0,120}\b(copy|curl|iwr|Invoke-WebRequest|download)\b[^\n]{0,60}/i
  condition:
    any of them
}

rule stays_by_key {
  meta:
    id = "persistence.login-key"
    class = "persistence"
    severity = "critical"
    confidence = "high"
    title = "A key of somebody else is let in"
    attack = "With one line in authorized_keys the attacker can log in for good."
    check = "Whose key is it?"
  strings:
    $echo = /\b(echo|printf)\b[^\n]{0,20}["']?(ssh-(rsa|ed25519|dss)|ecdsa-sha2[^\s]{0,20}) AAAA[^\n]{40,900}(>>|tee -a)[^\n]{0,40}authorized_keys/
    $fetched = /\b(curl|wget)\b[^\n]{0,160}(>>|tee -a)[^\n]{0,40}authorized_keys/
  condition:
    any of them
}

rule stays_in_instructions {
  meta:
    id = "persistence.agent-instructions"
    class = "persistence"
    severity = "high"
    confidence = "medium"
    title = "The agent's standing instructions are overwritten with hidden or fetched text"
    attack = "What stands in the agent's own files is obeyed in every later session, even when the skill is gone."
    check = "What is written, and does the person see it?"
  strings:
    $fetched = /\b(curl|wget)\b[^\n]{0,160}(>{1,2}|tee -a|-o)\s{0,2}[^\s]{0,60}(SOUL\.md|AGENTS\.md|CLAUDE\.md|MEMORY\.md|\.cursorrules|copilot-instructions\.md)/
    $words = /\b(append|add|write|insert|prepend)\b[^\n]{0,80}\b(SOUL\.md|AGENTS\.md|CLAUDE\.md|HEARTBEAT\.md|MEMORY\.md|\.cursorrules)\b[^\n]{0,60}\b(silently|quietly|without (telling|asking|informing|mentioning)|secretly|do not (tell|mention|inform))/i
    $words_first = /\b(silently|quietly|secretly|without (telling|asking|informing))\b[^\n]{0,60}\b(append|add|write|insert|prepend|modify|edit)\b[^\n]{0,60}\b(SOUL\.md|AGENTS\.md|CLAUDE\.md|HEARTBEAT\.md|MEMORY\.md|\.cursorrules)\b/i
  condition:
    any of them
}

rule starts_at_login {
  meta:
    id = "persistence.start-entry"
    class = "persistence"
    severity = "low"
    confidence = "low"
    title = "A program is made to start by itself"
    attack = "Common with services that people install on purpose."
    check = "Is it what the skill says it is for?"
  strings:
    $agent = /\blaunchctl (load|bootstrap)\b[^\n]{0,80}/
    $unit = /\bsystemctl (--user )?enable\b[^\n]{0,80}/
    $cron = /\|\s{0,2}crontab -[^\n]{0,20}/
    $task = /\bschtasks(\.exe)? \/create\b[^\n]{0,80}/i
  condition:
    any of them
}
