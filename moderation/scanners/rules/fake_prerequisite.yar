// Lures: the skill claims to need a program or a command that comes from somewhere else.

rule locked_archive_with_password {
  meta:
    id = "lure.locked-archive"
    class = "protected-archive"
    severity = "high"
    confidence = "high"
    title = "A download whose password is given beside it"
    attack = "An archive with a password cannot be looked into by virus scanners; the lure hands out the password so that a person unpacks and runs what is inside."
    check = "Is there an honest reason to lock a public download and print its password?"
  strings:
    $link = /\.(zip|rar|7z|exe|dmg|msi|pkg|iso)\b[^\n]{0,160}\n?[^\n]{0,80}\n?[^\n]{0,80}\b(password|passwort|passphrase|passcode|pass|pwd|contraseña|mot de passe|senha|parola|пароль|密码|解压码|パスワード)([*_ ]{0,3}([:=]|-|–|—)[*_ ]{0,3}((«|“|[`"'(])[A-Za-z0-9!@#._-]{3,24}(»|”|[`"')])|[A-Za-z0-9!@#_-][A-Za-z0-9!@#._-]{2,23}([\s,;).]|$))|\s{1,2}(is |es |ist |est |é |è )?(«|“|[`"'])[A-Za-z0-9!@#._-]{3,24}(»|”|[`"']))/i
    $using = /\.(zip|rar|7z)\b[^\n]{0,60}\(?(extract|unzip|unpack|decompress|entpacken|extraire|extraer)( it)? (using|with)( the)?( code| key| pass| password)?\s*[:=]\s*[`"']?[A-Za-z0-9!@#._-]{3,24}/i
    $locked = /\.(zip|rar|7z)\b[^\n]{0,120}(encrypted|locked|protected|verschlüsselt|geschützt|cifrado|chiffrée?|зашифрован|加密)[^\n]{0,60}\b(code|key|pin|pw|password|kennwort|clave|clé|ключ|密码)\s{0,2}[:=]\s{0,2}((«|“|[`"'(])[A-Za-z0-9!@#._-]{3,24}(»|”|[`"')])|[A-Za-z0-9!@#_-][A-Za-z0-9!@#._-]{2,23}([\s,;).]|$))/i
    $order = /\b(extract|unzip|unpack|entpacke[nr]?|descomprim\w+|décompress\w+|extrai\w+|распакуйте|解压)\b[^\n]{0,40}\b(using|with|mit|con|avec|com|с)?\s?(the )?(password|passwort|pass|pwd|contraseña|mot de passe|senha|паролем|пароль|密码)[*_ ]{0,3}[:=][*_ ]{0,3}((«|“|[`"'(])[A-Za-z0-9!@#._-]{3,24}(»|”|[`"')])|[A-Za-z0-9!@#_-][A-Za-z0-9!@#._-]{2,23}([\s,;).]|$))/i
    $tool = /\b(7z x|7za x|unrar x|unzip)\b[^\n]{0,60}\s-(p|P ?)[A-Za-z0-9!@#._]{3,24}[^\n]{0,80}\n?[^\n]{0,60}(\.exe|\.app|\.\/|\bstart\b|\bopen\b|&&)/
  condition:
    any of them
}

rule required_program_from_elsewhere {
  meta:
    id = "lure.required-download"
    class = "fake-prerequisite"
    severity = "high"
    confidence = "high"
    title = "An unrelated program must be downloaded and run first"
    attack = "The text says that nothing works unless a program is downloaded and run before; the program is the malware."
    check = "Who publishes the program, and would the skill need it at all?"
  strings:
    $english = /\.(zip|rar|7z|exe|dmg|msi|pkg|scr|iso)\b\)?[^\n]{0,200}\n{0,2}[^\n]{0,120}\n{0,2}[^\n]{0,60}\b(run|launch|start|execute|open|double-click)\b[^\n]{0,40}(\bit\b|\.exe|\.app|executable|installer|binary|program|tool|utility)[^\n]{0,40}\b(before|first|prior to|otherwise)\b/i
    $or_nothing = /\.(zip|rar|7z|exe|dmg|msi|pkg|scr|iso)\b\)?[^\n]{0,80}\n{0,2}[^\n]{0,80}\b(run|launch|start|execute|open|install|keep|leave)\b (it|the (\w+ )?(file|installer|program|app|tool|executable|utility))\b[^\n]{0,100}\b(does not|doesn't|do not|will not|won't|cannot|can't) (work|function|run|start|respond)\b/i
    $needed = /\b(requires?|needs?|depends on)\b[^\n]{0,60}\b(utility|tool|agent|helper|driver|component|service|authenticator|core|runtime|extension)\b[^\n]{0,60}\b(to (work|function|run|operate)|in order to)[^\n]{0,60}\n{1,3}[^\n]{0,80}\b(download|get|fetch)\b[^\n]{0,160}\.(zip|rar|7z|exe|dmg|msi|pkg|scr|iso)\b/i
    $german = /\.(zip|rar|7z|exe|dmg|msi|pkg)\b[^\n]{0,200}\n{0,2}[^\n]{0,120}\b(starte|starten|ausführen|führe|öffne)\w*\b[^\n]{0,60}\b(bevor|vorher|zuerst|sonst|ohne)\b/i
    $spanish = /\.(zip|rar|7z|exe|dmg|msi|pkg)\b[^\n]{0,200}\n{0,2}[^\n]{0,120}\b(ejecut\w+|execut\w+|exécut\w+|lance\w*|abra|inicie)\b[^\n]{0,60}\b(antes|avant|primero|primeiro|d'abord)\b/i
    $russian = /\.(zip|rar|7z|exe|dmg|msi|pkg)\b[^\n]{0,200}\n{0,2}[^\n]{0,200}(запустите|запусти|установите)[^\n]{0,160}(перед|прежде|сначала|до начала)/
    $chinese = /\.(zip|rar|7z|exe|dmg|msi|pkg)[^\n]{0,200}\n{0,2}[^\n]{0,200}(运行|启动|安装|実行)[^\n]{0,180}(之前|否则|必须|才能|前に)/
    $chinese_first = /(之前|必须先|使用前|前に)[^\n]{0,180}(下载|ダウンロード)[^\n]{0,200}\.(zip|rar|7z|exe|dmg|msi|pkg)[^\n]{0,180}(运行|启动|安装|実行)/
  condition:
    any of them
}

rule broken_without_it {
  meta:
    id = "lure.refuses-to-work"
    class = "fake-prerequisite"
    severity = "medium"
    confidence = "medium"
    title = "The skill is said not to work until a downloaded program runs"
    attack = "Pressure: every failure is explained by the missing program, so that people run it after all."
    check = "Does the skill name a program that is downloaded from a file host, not from a known vendor?"
  strings:
    $must_run = /\b(ensure|make sure|verify|check)\b[^\n]{0,30}\b[a-z0-9_-]{3,40}\.exe\b[^\n]{0,30}\bis (running|active|started)\b/i
    $sources = /https?:\/\/[^\s)]{1,120}\/(releases\/download|raw|files?|dl|get|download)\/[^\s)]{0,120}\.(zip|rar|7z|exe|dmg|msi|pkg)\b[^\n]{0,200}\n{0,2}[^\n]{0,200}\b(without|unless|until)\b[^\n]{0,60}\b(installed|running|running it|this step|it)\b[^\n]{0,80}\b(will not|won't|cannot|can't|does not|doesn't|fail)/i
  condition:
    any of them
}

rule command_from_a_page {
  meta:
    id = "lure.paste-site"
    class = "paste-site"
    severity = "high"
    confidence = "high"
    title = "A command is to be fetched from a paste site and run"
    attack = "The command stands on a page that anybody can change after the review, so the skill itself looks harmless."
    check = "Why does the command not stand in the skill?"
  strings:
    $page = /https?:\/\/[^\s)\/]{0,40}(paste|pastes|snippet|snippets|bin\.|glot\.|rentry|telegra|ghostbin|gist\.|justpaste|controlc|ideone|notes\.)[^\s)]{0,120}\)?[^\n]{0,60}\n?[^\n]{0,80}\b(run|execute|paste|copy|enter|launch|ausführen|ejecut\w+|exécut\w+|execut\w+|führe)\b[^\n]{0,60}\b(command|code|script|terminal|powershell|shell|console|prompt|befehl|comando|commande)\b/i
    $page_before = /\b(run|execute|paste|copy)\b[^\n]{0,40}\b(command|code|script)s?\b[^\n]{0,60}\b(from|at|on|in)\b[^\n]{0,30}https?:\/\/[^\s)\/]{0,40}(paste|snippet|bin\.|glot\.|rentry|telegra|ghostbin|gist\.|justpaste|controlc|ideone)[^\n]{0,80}/i
    $page_cjk = /https?:\/\/[^\s)\/]{0,40}(paste|snippet|bin\.|glot\.|rentry|telegra|gist\.)[^\s)]{0,120}\)?[^\n]{0,200}(执行|运行|粘贴|実行|貼り付け|выполните|скопируйте|вставьте|запустите)/
    $fetch = /\b(curl|wget|iwr|irm|Invoke-WebRequest|Invoke-RestMethod)\b[^\n|;]{0,80}https?:\/\/[^\s\/]{0,40}(paste|snippet|bin\.|glot\.|rentry|ghostbin|gist\.|controlc|transfer\.|0x0\.)[^\n|]{0,120}\|\s*(sudo )?(ba|z|da|k)?(sh|iex|Invoke-Expression|python3?|node|perl|ruby)\b/i
  condition:
    any of them
}

rule unnamed_page_with_command {
  meta:
    id = "lure.command-on-a-page"
    class = "paste-site"
    severity = "low"
    confidence = "medium"
    title = "An install command is read from another page"
    attack = "What the page shows can change after the review."
    check = "Is the page the vendor's own?"
  strings:
    $visit = /\b(visit|open|go to)\b[^\n]{0,30}\b(this page|this link|the page|the link|https?:\/\/)[^\n]{0,160}\b(run|execute|paste|copy)\b[^\n]{0,40}\bcommand\b/i
  condition:
    $visit
}

rule paste_into_terminal {
  meta:
    id = "lure.paste-into-terminal"
    class = "fake-prerequisite"
    severity = "medium"
    confidence = "medium"
    title = "People are told to paste a command that fetches or decodes code"
    attack = "A person, not the agent, is made to run the payload, past every check of the agent."
    check = "Read the command: what does it fetch, and from whom?"
  strings:
    $paste = /\b(copy|paste|kopier\w+|einfüg\w+|pega|péga|coll?ez|cole|incolla|вставьте|скопируйте|粘贴|复制|貼り付け)[^\n]{0,80}(terminal|powershell|command prompt|console|konsole|терминал|终端|终端机|ターミナル)[^\n]{0,160}\n{0,3}[^\n]{0,20}\n?[^\n]{0,80}\b(base64|openssl enc|eval|iex|Invoke-Expression|mshta|osascript -e|https?:\/\/[0-9]{1,3}\.[0-9]{1,3}\.)/i
  condition:
    $paste
}

rule protection_switched_off {
  meta:
    id = "lure.protection-off"
    class = "fake-prerequisite"
    severity = "high"
    confidence = "medium"
    title = "Protection of the computer is to be switched off first"
    attack = "Malware is announced as a false alarm so that people let it through."
    check = "Does any honest installation need this?"
  strings:
    $words = /\b(disable|turn off|deactivate|pause|switch off|deaktivier\w+|désactiv\w+|desactiv\w+|отключите)\b[^\n]{0,30}\b(anti-?virus|windows defender|defender|gatekeeper|real-?time protection|smartscreen|endpoint protection|virenscanner|антивирус)\b[^\n]{0,80}\b(before|first|temporarily|to (install|run|continue|proceed)|during|bevor|avant|antes|перед)/i
    $spctl = /\bspctl --(master|global)-disable\b[^\n]{0,80}/
    $defender = /\b(Set-MpPreference -Disable|Add-MpPreference -Exclusion)[A-Za-z]{2,40}[^\n]{0,60}/i
  condition:
    any of them
}
