// Words that turn an agent against the person it works for.

rule earlier_orders_dropped {
  meta:
    id = "injection.ignore-instructions"
    class = "prompt-injection"
    severity = "high"
    confidence = "high"
    title = "The agent is told to forget its instructions"
    attack = "Whoever replaces an agent's instructions decides what it does with the person's files and accounts."
    check = "Is the sentence addressed to the agent, or an example?"
  strings:
    $english = /\b(ignore|disregard|forget|override|bypass)\b (\w+ ){0,3}(previous|prior|earlier|above|preceding|existing|original|system|safety) (\w+ ){0,2}(instructions?|prompts?|rules|guidelines|directives|constraints|messages|policies)\b/i
    $german = /\b(ignoriere?n?|vergiss|vergessen sie|missachte)\b[^\n]{0,30}\b(alle|vorherig\w*|bisherig\w*|obig\w*|früher\w*)\b[^\n]{0,30}\b(anweisung\w*|instruktion\w*|regeln|vorgaben)\b/i
    $french = /\b(ignore[zr]?|oublie[zr]?)\b[^\n]{0,30}\b(instructions?|consignes|règles|directives)\b[^\n]{0,20}\b(précédent\w*|antérieur\w*|ci-dessus|système)/i
    $spanish = /\b(ignora|ignore|olvida|olvide|desestima)\b[^\n]{0,30}\b(instrucciones|instruções|reglas|regras|indicaciones)\b[^\n]{0,20}\b(anteriores|previas|prévias|del sistema|do sistema)/i
    $italian = /\b(ignora|dimentica)\b[^\n]{0,30}\b(istruzioni|regole)\b[^\n]{0,20}\b(precedenti|di sistema)/i
    $russian = /(игнорируй|игнорируйте|забудь|забудьте)[^\n]{0,80}(предыдущ|прежни|все|систем)[^\n]{0,60}(инструкци|указани|правил)/
    $chinese = /(忽略|无视|忘记|忽視)[^\n]{0,36}(之前|以前|先前|上述|所有|以上|系统)[^\n]{0,36}(指令|指示|提示|规则|命令)/
    $japanese = /(以前|これまで|上記|すべて|前)の?[^\n]{0,24}(指示|命令|ルール|プロンプト)[^\n]{0,18}(無視|忘れ)/
    $korean = /(이전|앞|위|기존|지금까지)[^\n]{0,30}(지시|명령|지침|규칙|프롬프트)[^\n]{0,20}(무시|잊)/
    $turkish = /(önceki|yukarıdaki) (tüm )?(talimat|komut|kural)[^\n]{0,16} (yok say|unut|görmezden gel)/
    $polish = /\b(zignoruj|zapomnij)\b[^\n]{0,20}\b(poprzednie|wcześniejsze)\b[^\n]{0,10}\b(instrukcje|polecenia|zasady)/i
    $dutch = /\b(negeer|vergeet)\b[^\n]{0,20}\b(vorige|eerdere|bovenstaande)\b[^\n]{0,10}\b(instructies|opdrachten|regels)/i
    $arabic = /(تجاهل|انس)[^\n]{0,30}(التعليمات|الأوامر)[^\n]{0,20}(السابقة|أعلاه)/
    $void = /\b(previous|prior|earlier|original|other) (\w+ )?(instructions?|rules|guidelines|policies) (now )?(no longer (apply|count|hold)|are (void|cancell?ed|revoked|suspended))\b/i
    $void_given = /\b(instructions?|rules|guidelines) (that )?(you|were|have been)[^\n]{0,40}\b(no longer (apply|count|hold)|are (void|cancell?ed|revoked|suspended))\b/i
  condition:
    any of them
}

rule person_kept_in_the_dark {
  meta:
    id = "injection.keep-secret"
    class = "prompt-injection"
    severity = "high"
    confidence = "medium"
    title = "The agent is told to act behind the person's back"
    attack = "An act that must not be seen is one that would not be allowed."
    check = "What is it that the person should not learn?"
  strings:
    $english = /\b(do not|don't|never|must not|without) (tell|telling|inform|informing|alert|alerting|notify|notifying|mention\w* (this|it|that) to|reveal\w* (this|it|that) to|show\w* (this|it|that) to|let) (the |your )?(user|human|person|owner|operator)\b[^\n]{0,60}\b(this|it|about|that|know|step|what|request|upload|command|script|transfer|change)/i
    $unknown = /\b(user|human|person|owner|operator)s? (must|should|need|may|does|do) not (know|see|learn|notice|find out|be told)\b/i
    $hidden = /\b(keep|hide) (it|this|that|these|them)( \w+){0,2} (secret|hidden|concealed|invisible)? ?from (the |your )?(user|human|person|owner|operator)\b/i
    $steps = /\b(do not|don't|never|must not) (reveal|disclose|mention|show|describe) (this|it|that|these|those|any of (this|these))( (steps?|instructions?|rules?|commands?|actions?|notes?|requests?))? to (the |your )?(user|human|person|owner|operator)\b/i
    $answer = /\b(do not|don't|never|must not) (mention|reveal|disclose) (this|these|that|those) (steps?|requests?|uploads?|commands?|actions?|transfers?|changes?)( \w+){0,3} (answers?|reply|replies|responses?|output|summary|report)\b/i
    $german = /\b(sag|sage|erzähle|verrate|teile)\b[^\n]{0,30}\b(nutzer|benutzer|anwender|menschen)\b[^\n]{0,20}\b(nichts|nicht)\b/i
    $without = /\b(ohne (den |die )?(nutzer|benutzer|anwender)\w* zu (fragen|informieren)|sin (informar|avisar|decirle|preguntar)( nada)? al usuario|sans (prévenir|informer|demander à|le dire à) l'utilisateur|sem (avisar|informar) o usuário|senza (informare|avvisare|chiedere a)ll?'?utente)/i
    $orders = /\b(no|ne|não) (le )?(digas|informes|avises|dis|dites|prévenez|informe|diga|conte)[^\n]{0,20}\b(al usuario|l'utilisateur|ao usuário)/i
    $russian = /(не (говори|сообщай|рассказывай|упоминай)[^\n]{0,40}пользовател|без ведома пользовател)/
    $cjk = /(不要|别|请勿|切勿)(让|告诉|告知|通知)[^\n]{0,12}(用户|使用者)|(ユーザー|利用者)に(は)?(知らせ|伝え|言わ|通知し)ない|사용자(에게|한테)[^\n]{0,20}(알리지|말하지|보여주지)/
  condition:
    any of them
}

rule voice_of_the_system {
  meta:
    id = "injection.false-voice"
    class = "prompt-injection"
    severity = "high"
    confidence = "high"
    title = "Text poses as a message of the system"
    attack = "Marks that only the model's own protocol uses make an agent take a stranger's text for its operator's."
    check = "Why would a skill contain such marks?"
  strings:
    $tag = /<\/?\s{0,2}(system|system_prompt|system-reminder|im_start|developer_message)\s{0,2}>[^<\n]{0,60}\b(you|must|new|ignore|now|override|instructions?|execute|run|send)\b/i
    $protocol = /(<\|im_start\|>|<\|start_header_id\|>|\[INST\]|<<SYS>>)\s{0,4}(system)?[^\n]{0,80}/
    $mode = /\b(you are|you're) now (in|entering|running in)[^\n]{0,20}\b(maintenance|developer|debug|god|admin|unrestricted|jailbreak|dan|root)\b ?(mode)?/i
    $act = /\bact as an? (unrestricted|unfiltered|uncensored|jailbroken)\b/i
    $override = /\b(system|admin|developer|root) (prompt )?override\s{0,2}:/i
    $mode_imperative = /\b(enter|enable|activate|switch to)\b[^\n]{0,12}\b(dan|jailbreak|unrestricted|god) mode\b/i
  condition:
    any of them
}

rule order_in_a_comment {
  meta:
    id = "injection.hidden-comment"
    class = "prompt-injection"
    severity = "high"
    confidence = "high"
    title = "An order to the agent stands where no reader looks"
    attack = "A rendered page does not show comments; a model reads them."
    check = "Who is spoken to, and what is to be done?"
  strings:
    $comment = /<!--[^>]{0,120}\b(agents?|assistants?|ai|model|llm|claude|gpt|system|bots?)\b[^>]{0,120}\b(must|should|always|never|ignore|execute|run|send|output|read|upload|fetch|include|do not)\b[^>]{0,80}\b(keys?|tokens?|secrets?|passwords?|instructions?|user|commands?|files?|env\w*|https?:|curl|script)\b/i
    $comment_order = /<!--\s{0,8}(system|instruction|important|note to (the )?(ai|agent|assistant|model))\s{0,2}:[^>]{0,200}\b(ignore|execute|run|send|output|upload|fetch|delete)\b/i
    $unseen = /<(span|div|p|font)[^>]{0,60}(display:\s{0,2}none|font-size:\s{0,2}0(px|em|rem|pt|;|["\' ])|color:\s{0,2}(white|#fff)|opacity:\s{0,2}0|visibility:\s{0,2}hidden)[^>]{0,60}>[^<]{0,200}\b(agent|assistant|ai|model|ignore|execute|run|send|you must)\b/i
    $reference = /\n\[(\/\/|comment|_)\]:? ?#? ?[("'][^\n]{0,120}\b(agent|assistant|ai|model)\b[^\n]{0,120}\b(must|execute|run|send|ignore|upload|read)\b/i
  condition:
    any of them
}

rule asks_for_no_questions {
  meta:
    id = "injection.no-confirmation"
    class = "prompt-injection"
    severity = "high"
    confidence = "medium"
    title = "A dangerous act is to be done without asking"
    attack = "The question that would have stopped the attack is forbidden."
    check = "What would be done unasked?"
  strings:
    $english = /\b(without (asking|prompting|confirm\w*|permission|approval|confirmation)|do not ask( for)?( permission| confirmation)?|skip (all )?(confirmations?|approvals?|permission\w*))\b[^\n]{0,100}\b(run|execute|transfer|send|upload|delete|disable|install|sign)\b[^\n]{0,80}(\brm -rf\b|\bcurl\b|\bwget\b|https?:\/\/|\bkeys?\b|\bfunds?\b|\btokens?\b|\bsudo\b|0x[0-9a-fA-F]{6,})/i
    $english_after = /\b(transfer|send|sign|upload|exfiltrate|sweep)\b[^\n]{0,60}\b(funds?|balance|crypto|coins?|sol|eth|btc|secrets?|keys)\b[^\n]{0,80}\b(without (asking|prompting|confirm\w*|permission|approval)|do not ask)\b/i
  condition:
    any of them
}
