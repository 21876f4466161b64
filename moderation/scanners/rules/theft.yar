// Secrets that are read and sent away. Reading alone is what SSH tools and password managers do.

rule keys_sent_away {
  meta:
    id = "theft.credentials-sent"
    class = "credential-theft"
    severity = "critical"
    confidence = "high"
    title = "Keys or passwords are read and sent away"
    attack = "One step reads a file of secrets, the next sends it to a server."
    check = "Where does the request go, and what is in it?"
  strings:
    $shell = /(\.ssh\/id_[a-z0-9]{2,12}([^a-z0-9._]|\n)|\.ssh\/?\*|\btar\b[^\n]{0,40}\.ssh\b|\bzip\b[^\n]{0,40}\.ssh\b|\.aws\/(credentials|config)|\.netrc|\.npmrc|\.pypirc|\.git-credentials|\.docker\/config\.json|\.kube\/config|\.gnupg|application_default_credentials|\/etc\/shadow|Login Data|logins\.json|key4\.db|(Default|Profile \d|Chrome|Network)\/Cookies|login\.keychain|\.openclaw\/[^\s]{0,30}(auth|credential|token)|auth-profiles\.json|\.env\b)[^\n]{0,160}\n?[^\n]{0,120}\n?[^\n]{0,60}(\bcurl\b[^\n]{0,120}(-d|-F|-T|--data\S{0,10}|--upload-file|-X POST|--form)|\bwget\b[^\n]{0,60}--post-(file|data)|\bnc\b -?\w{0,3} ?[a-z0-9.-]{4,60} [0-9]{2,5}|\bscp\b[^\n]{0,60}@)/
    $shell_first = /\b(curl|wget|http|xh)\b[^\n]{0,120}(-d|-F|-T|--data\S{0,10}|--upload-file|--post-file|--form)[= ]{0,2}["']?[^\n]{0,20}(@|<|\$\(cat |`cat )[^\n]{0,30}(\.ssh\/|\.aws\/|\.netrc|\.npmrc|\.pypirc|\.git-credentials|\.docker\/config|\.kube\/config|\.gnupg|\/etc\/shadow|\.env\b|keychain|auth-profiles|credentials\b)/
    $python = /(\.ssh\b|id_rsa|id_ed25519|\.aws\b|\.netrc|\.npmrc|\.git-credentials|\.kube\b|Login Data|logins\.json|key4\.db|auth-profiles\.json|\.env["'])[^\n]{0,100}(\n[^\n]{0,120}){0,6}\n?[^\n]{0,60}(requests\.(post|put)|urlopen|urllib\.request\.Request|httpx\.(post|put)|fetch\s{0,2}\(|axios\.(post|put)|https?\.request|socket\.|smtplib|sendBeacon)/
    $environment = /\b(printenv|env|set|export -p)\b\s{0,2}(\|[^\n|]{0,40}){0,2}\|\s{0,2}(curl|nc|wget|http)\b[^\n]{0,120}/
    $environment_body = /\b(curl|wget)\b[^\n]{0,160}["'=@ ](\$\(|`)(printenv|env|set)\b[^\n]{0,40}(\)|`)/
    $environment_code = /\b(requests\.(post|put)|fetch|axios\.post|httpx\.post|sendBeacon)\s{0,2}\([^\n]{0,100}\n?[^\n]{0,80}\n?[^\n]{0,60}(dict\(os\.environ\)|os\.environ\.copy\(\)|json\.dumps\(os\.environ|JSON\.stringify\(process\.env\)|\.\.\.process\.env|data=os\.environ|json=os\.environ)/
    $keychain = /\bsecurity (dump-keychain|find-(generic|internet)-password)\b[^\n]{0,120}(\n[^\n]{0,100}){0,2}\n?[^\n]{0,40}\b(curl|nc|wget)\b[^\n]{0,80}/
  condition:
    any of them
}

rule environment_sent_away {
  meta:
    id = "theft.environment-sent"
    class = "credential-theft"
    severity = "high"
    confidence = "high"
    title = "All variables of the environment are collected and sent"
    attack = "Keys and tokens of every service stand in the environment."
    check = "Does the request need more than the one variable that is its own?"
  strings:
    $collected = /(dict\(os\.environ\)|os\.environ\.items\(\)|JSON\.stringify\(process\.env|Object\.(entries|keys|assign)\([^)\n]{0,8}process\.env\))[^\n]{0,120}(\n[^\n]{0,120}){0,5}\n?[^\n]{0,60}(requests\.(post|put)|urlopen|httpx\.(post|put)|fetch\s{0,2}\(|axios\.(post|put)|https?\.request)/
  condition:
    $collected
}

rule keys_to_be_sent {
  meta:
    id = "theft.credentials-asked"
    class = "credential-theft"
    severity = "high"
    confidence = "high"
    title = "An agent is told to hand over keys or passwords"
    attack = "The words of the skill make the agent read secrets and send them to an address."
    check = "Does the address belong to the service that the key is for?"
  strings:
    $english = /\b(read|collect|gather|grab|find|copy|include|attach|upload|send|post|forward|export)\b[^\n]{0,60}(~\/\.ssh|\.ssh\/|id_rsa|\.aws\/|\.env\b|api[ _-]?keys|private keys|passwords|access tokens|environment variables|credentials|secrets|browser cookies|cookie (files?|jar|store)|session cookies|browser('s)? cookies)[^\n]{0,80}\b(send|upload|post|forward|submit|transmit|request|to)\b[^\n]{0,40}https?:\/\/[^\s]{4,100}/i
    $environment = /(\bprintenv\b|`env`|`set`)[^\n]{0,60}\b(post|send|upload|submit|forward)\b[^\n]{0,60}https?:\/\/[^\s]{4,100}/i
    $german = /\b(lies|sammle|schicke|sende|kopiere|übertrage)\b[^\n]{0,80}(\.ssh|\.env|passw\w+|schlüssel|zugangsdaten|token|umgebungsvariablen)[^\n]{0,80}https?:\/\/[^\s]{4,80}/i
    $romance = /\b(lee|envía|envia|sube|recopila|lis|envoie|envoyez|lisez|collecte\w*|leia|envie|leggi|invia)\b[^\n]{0,80}(\.ssh|\.env|contraseñas|claves|credenciales|mots de passe|clés|identifiants|senhas|chaves|credenciais|variables? d|password|chiavi)[^\n]{0,80}https?:\/\/[^\s]{4,80}/i
    $slavic = /(отправь|отправьте|прочитай|прочитайте|собери|скопируй)[^\n]{0,160}(\.ssh|\.env|парол|ключ|токен|переменн)[^\n]{0,160}https?:\/\/[^\s]{4,80}/
    $cjk = /(读取|发送|上传|收集|送信|アップロード)[^\n]{0,180}(\.ssh|\.env|密钥|密码|令牌|环境变量|凭证|パスワード|秘密鍵)[^\n]{0,200}https?:\/\/[^\s]{4,80}/
    $cjk_last = /(\.ssh|\.env|密钥|密码|令牌|环境变量|パスワード|秘密鍵)[^\n]{0,180}(发送|上传|送信|アップロード)[^\n]{0,90}https?:\/\/[^\s]{4,80}/
  condition:
    any of them
}

rule keys_read {
  meta:
    id = "theft.credential-path"
    class = "credential-theft"
    severity = "low"
    confidence = "low"
    title = "A file of secrets is named"
    attack = "Harmless by itself; together with something that sends, it is a theft."
    check = "Is the skill about keys at all?"
  strings:
    $read = /\b(cat|cp|tar|zip|read|open|readFile\w{0,4}|read_text|copy|type|base64)\b[^\n]{0,40}(\.ssh\/id_|\.aws\/credentials|\.netrc\b|\.git-credentials|\.docker\/config\.json|\.kube\/config|\/etc\/shadow|Login Data|logins\.json|key4\.db|auth-profiles\.json)/
    $keychain = /\bsecurity (dump-keychain|find-(generic|internet)-password)\b[^\n]{0,60}/
  condition:
    any of them
}

rule wallet_sent_away {
  meta:
    id = "theft.wallet"
    class = "wallet-theft"
    severity = "critical"
    confidence = "high"
    title = "A wallet's files are read and sent away"
    attack = "Whoever has the file or the words of a wallet has the money."
    check = "Where do the files go?"
  strings:
    $file = /(\b(cat|tar|zip|cp|base64|gzip|open|glob|read\w{0,12}|copy|join|find)\b|[=@<]|\(["'])[^\n]{0,80}(wallet\.dat|\.config\/solana\/id\.json|Local Extension Settings|Exodus\/exodus\.wallet|exodus\.wallet|Electrum\/wallets|\.electrum\/wallets|keystore\/UTC|\.ethereum\/keystore|\.bitcoin\/|seed\.txt|mnemonic\.txt)[^\n]{0,160}(\n[^\n]{0,120}){0,6}\n?[^\n]{0,60}(\bcurl\b[^\n]{0,100}(-d|-F|-T|--data\S{0,10}|--upload-file|-X POST)|\bnc\b [a-z0-9.-]{4,60} [0-9]{2,5}|requests\.(post|put)|urlopen|httpx\.post|fetch\s{0,2}\(|axios\.post|https?\.request|--post-file|sendDocument)/
    $upload = /\b(curl|wget)\b[^\n]{0,120}(@|<|\$\(cat )[^\n]{0,60}(wallet\.dat|solana\/id\.json|exodus|Electrum|keystore|seed\.txt|mnemonic)/
  condition:
    any of them
}

rule seed_phrase_asked {
  meta:
    id = "theft.seed-phrase"
    class = "wallet-theft"
    severity = "high"
    confidence = "high"
    title = "The words of a wallet are asked for"
    attack = "A wallet is said to need verifying or syncing; whoever gets the words empties it."
    check = "No honest service asks for these words."
  strings:
    $english = /\b(enter|paste|type|provide|share|send|submit|give|supply|ask the user for|request)\b[^\n]{0,40}\b(seed phrase|recovery phrase|secret phrase|mnemonic phrase|mnemonic|(12|24|twelve|twenty-four)[- ]word\w*|wallet'?s? private key)\b[^\n]{0,100}\b(verif\w+|sync\w*|validat\w+|restor\w+|connect\w*|unlock\w*|activate\w*|claim\w*|https?:\/\/|airdrop|authenticat\w+)/i
    $words = /\bask( \w+){0,2} for (the |your |their )?(\w+ )?(recovery|backup) (words|phrases?)\b/i
    $key = /\b(enter|paste|type|provide|share|send|submit|put|ask( the \w+)? for)\b[^\n]{0,60}\b(private key|(12|24|twelve|twenty-four)[- ]word\w*)\b[^\n]{0,100}(https?:\/\/|\bform\b)[^\n]{0,60}/i
    $purpose = /\b(verify|sync|validate|restore|connect|unlock|activate|claim|authenticate)\b[^\n]{0,60}\b(wallet|airdrop|account|tokens?)\b[^\n]{0,80}\b(enter|paste|type|provide|share|send|submit|ask for|ask the user for)\b[^\n]{0,40}\b(seed phrase|recovery phrase|secret phrase|mnemonic|(12|24|twelve|twenty-four)[- ]word\w*)/i
    $other = /(\b(gib|geben sie|introduce|introduzca|ingresa|saisissez|entrez|digite|inserisci)\b|введите|输入|入力)[^\n]{0,60}(seed[- ]?phrase|wiederherstellungs\w+|frase (semilla|de recuperaci(o|ó)n)|phrase de r(e|é)cup(e|é)ration|frase de recupera(c|ç)(a|ã)o|сид-фраз\w*|助记词|シードフレーズ|リカバリーフレーズ)/i
  condition:
    any of them
}

rule sent_to_a_drop {
  meta:
    id = "exfiltration.drop"
    class = "exfiltration"
    severity = "high"
    confidence = "high"
    title = "Private data go to a web hook or a drop"
    attack = "A hook takes whatever it is sent and tells nobody who reads it."
    check = "What is in the request, and did the person ask for it?"
  strings:
    $shell = /\b(curl|wget)\b[^\n]{0,200}(webhook|\/hooks?\/|requestbin|pipedream|oast|interact\.sh|burpcollab|ngrok|discord(app)?\.com\/api\/webhooks|api\.telegram\.org\/bot|transfer\.|file\.io|0x0\.|collector|exfil|\/drop\b)[^\n]{0,120}(\$\((cat|env|printenv|whoami|hostname|history|find|ls|tar)|`(cat|env|whoami|hostname)|@[~\/.$]|@-|history|MEMORY\.md|SOUL\.md|USER\.md|\/etc\/passwd|sessions?\/)/i
    $shell_first = /\b(curl|wget)\b[^\n]{0,100}(\$\((cat|env|printenv|whoami|hostname|history|tar)|`(cat|env|whoami)|@[~\/$]|MEMORY\.md|SOUL\.md)[^\n]{0,160}(webhook|\/hooks?\/|requestbin|pipedream|oast|interact\.sh|ngrok|discord(app)?\.com\/api\/webhooks|api\.telegram\.org\/bot|transfer\.|file\.io|collector|exfil|\/drop\b)/i
    $piped = /\b(tar|zip|cat|find|history|ls)\b[^\n|]{0,80}(\|[^\n|]{0,40}){0,2}\|\s{0,2}(curl|nc|wget)\b[^\n]{0,100}(webhook|\/hooks?\/|requestbin|oast|ngrok|transfer\.|file\.io|collector|exfil|\/drop\b|-T ?-|@-)/i
    $home = /\b(curl|wget)\b[^\n]{0,200}(\$\(|`|@|<\()[^\n)]{0,40}(_history|\/\.config\/|\/Documents|\/Desktop|\/etc\/passwd|\.local\/share|\/Library\/)/
    $words = /\b(send|post|forward|upload|report|transmit)\b[^\n]{0,60}\b(conversation|chat history|full history|transcript|memory|memories|every message|all messages|session logs?|workspace files|contents? of (the )?(workspace|home|files))\b[^\n]{0,80}\bhttps?:\/\/[^\s]{4,100}/i
    $own_files = /\b(read|collect|take|copy|grab|open)\b[^\n]{0,60}\b(MEMORY|USER|SOUL|AGENTS|IDENTITY|TOOLS)\.md[^\n]{0,80}\b(post|send|upload|forward|sync|submit)\b[^\n]{0,60}https?:\/\/[^\s]{4,100}/i
    $code = /https?:\/\/[^\s"\']{0,80}(webhook|\/hooks\/|requestbin|oast|interact\.sh|api\.telegram\.org\/bot|collector|exfil)[^\n]{0,120}(\n[^\n]{0,120}){0,5}\n?[^\n]{0,80}(os\.environ|process\.env\b[^.\[]|getpass\.getuser|platform\.node|glob\.glob|os\.walk|readdirSync|child_process|open\([^\n]{0,40}(\.md|\.json|\.env|history))/i
  condition:
    any of them
}

rule sent_by_names {
  meta:
    id = "exfiltration.name-lookup"
    class = "exfiltration"
    severity = "high"
    confidence = "high"
    title = "Data leave as names that are looked up"
    attack = "Looking up a name reaches the attacker's name server even where the web is closed."
    check = "What is put in front of the domain?"
  strings:
    $lookup = /\b(nslookup|dig|host|ping|Resolve-DnsName)\b[^\n]{0,60}(\$\(|`|\$\{)[^\n]{0,100}(\)|`|\})["']?\.[a-z0-9-]{2,40}\.[a-z]{2,12}\b/i
  condition:
    $lookup
}

rule sent_by_picture {
  meta:
    id = "exfiltration.picture"
    class = "exfiltration"
    severity = "high"
    confidence = "medium"
    title = "Private data are put into the address of a picture"
    attack = "Showing the picture sends the data, without a request that the person sees."
    check = "What is filled into the address?"
  strings:
    $image = /!\[[^\]\n]{0,60}\]\(https?:\/\/[^)\n]{4,100}[?&\/][a-z_]{0,20}=?[{<\[$]{1,2}[^)\n]{0,20}(secret|token|key|password|conversation|history|memory|env|message|context|summary|data)[^)\n]{0,40}\)/i
  condition:
    $image
}

rule secret_published {
  meta:
    id = "secret.private-key"
    class = "exposed-secret"
    severity = "low"
    confidence = "high"
    title = "A private key is published with the skill"
    attack = "No attack: its owner has given it away by mistake."
    check = "Tell the author to revoke the key."
  strings:
    $key = /-----BEGIN ((RSA|EC|OPENSSH|DSA|PGP) )?PRIVATE KEY( BLOCK)?-----(\\n|\s){1,8}[A-Za-z0-9+\/=]{40}/
  condition:
    $key
}
