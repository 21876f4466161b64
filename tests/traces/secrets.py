"""Invented secrets, put together here so that no scanner of repositories takes one for real."""

from __future__ import annotations

import base64
import random
import string

_LETTERS = string.ascii_letters + string.digits
_random = random.Random(20250107)


def made(length: int, of: str = _LETTERS) -> str:
    """Return so many characters that look random, a digit and a capital among them."""
    return ("Q7" + "".join(_random.choice(of) for _ in range(length)))[:length]


def hexed(length: int) -> str:
    return ("7f" + "".join(_random.choice("0123456789abcdef") for _ in range(length)))[:length]


def token(*parts: str) -> str:
    return "".join(parts)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def dashes(label: str, kind: str) -> str:
    return "-" * 5 + f"{label} {kind}" + "-" * 5


KEY_LINES = "\n".join(made(64) for _ in range(6))
PRIVATE_KEY = "\n".join(
    (dashes("BEGIN", "RSA PRIVATE KEY"), KEY_LINES, dashes("END", "RSA PRIVATE KEY"))
)
JWT = ".".join(("eyJ" + made(30), "eyJ" + made(60), made(43)))

# (rule, the secret): found anywhere between other words.
TOKENS = [
    ("aws.access-key", token("AKIA", "Q7ZJ4WXT2BNM6PLK")),
    ("aws.access-key", token("ASIA", "Q7ZJ4WXT2BNM6PLK")),
    ("github.token", token("ghp", "_", made(36))),
    ("github.token", token("gho", "_", made(36))),
    ("github.token", token("github", "_pat_", made(22), "_", made(59))),
    ("gitlab.token", token("glpat", "-", made(20))),
    ("stripe.key", token("sk", "_live_", made(24))),
    ("stripe.key", token("rk", "_test_", made(24))),
    ("stripe.webhook", token("whsec", "_", made(32))),
    ("anthropic.key", token("sk", "-ant-", "api03-", made(40), "-", made(20))),
    ("openai.key", token("sk", "-", made(48))),
    ("openai.key", token("sk", "-proj-", made(40), "_", made(30))),
    ("openai.key", token("sk", "-", hexed(32))),
    ("openrouter.key", token("sk", "-or-v1-", hexed(64))),
    ("google.api-key", token("AIza", made(35))),
    ("google.oauth", token("ya29", ".", made(60))),
    ("google.oauth", token("GOCSPX", "-", made(28))),
    ("slack.token", token("xoxb", "-", "123456789012", "-", made(24))),
    ("slack.token", token("xoxp", "-", "123456789012", "-", made(24))),
    ("slack.token", token("xapp", "-1-", made(40))),
    ("npm.token", token("npm", "_", made(36))),
    ("pypi.token", token("pypi", "-AgE", made(60))),
    ("huggingface.token", token("hf", "_", made(34))),
    ("vercel.token", token("vcp", "_", made(24))),
    ("supabase.key", token("sbp", "_", hexed(40))),
    ("supabase.key", token("sb", "_secret_", made(30))),
    ("skillboard.token", token("trk", "_", made(8), "_", made(49))),
    ("skillboard.token", token("skb", "_", made(8), "_", made(49))),
    ("skillboard.token", token("sks", "_", made(8), "_", made(49))),
    ("sendgrid.key", token("SG", ".", made(22), ".", made(43))),
    ("twilio.key", token("SK", hexed(32))),
    ("discord.bot", token("Bot ", made(24), ".", made(6), ".", made(30))),
    ("digitalocean.token", token("dop", "_v1_", hexed(64))),
    ("shopify.token", token("shpat", "_", hexed(32))),
    ("linear.key", token("lin", "_api_", made(40))),
    ("groq.key", token("gsk", "_", made(52))),
    ("replicate.token", token("r8", "_", made(37))),
    ("grafana.token", token("glsa", "_", made(32), "_", hexed(8))),
    ("tailscale.key", token("tskey", "-auth-", made(20))),
    ("jwt", JWT),
    ("pem.private-key", PRIVATE_KEY),
]

P = made(14)  # a password, or a token where a name says that it is one
LONG = made(32)
PAIR = encoded(f"alice:{P}")

# (rule, text, what must be gone, what must still be there)
IN_PLACE = [
    ("assignment.secret", f"DB_PASSWORD={P}", P, "DB_PASSWORD=[REDACTED]"),
    ("assignment.secret", "DB_PASSWORD=correcthorse", "correcthorse", "DB_PASSWORD="),
    ("assignment.secret", "DB_PASSWORD=pa$$w0rd!x%", "w0rd", "DB_PASSWORD="),
    ("assignment.secret", f"export API_TOKEN={LONG} && make", LONG, " && make"),
    ("assignment.secret", f"AWS_SECRET_ACCESS_KEY={made(40)}/+x", "/+x", "AWS_SECRET_ACCESS_KEY="),
    ("assignment.secret", f"STRIPE_KEY={LONG}\nDEBUG=1", LONG, "\nDEBUG=1"),
    ("assignment.secret", f"ENCRYPTION_KEY='{LONG}'", LONG, "ENCRYPTION_KEY='[REDACTED]'"),
    ("assignment.secret", f"MY_CREDENTIAL={LONG}", LONG, "MY_CREDENTIAL="),
    ("assignment.secret", f"PRIVATE_KEY={LONG}", LONG, "PRIVATE_KEY="),
    ("assignment.secret", "password: hunter2", "hunter2", "password: "),
    ("assignment.secret", f"  db_password: {P}\n  host: db", P, "\n  host: db"),
    ("assignment.secret", f'password: "{P}"', P, 'password: "[REDACTED]"'),
    ("assignment.secret", f'{{"password": "{P}"}}', P, '{"password": "[REDACTED]"}'),
    ("assignment.secret", '{"password": "letmein"}', "letmein", '"password"'),
    ("assignment.secret", f'{{\\"api_key\\": \\"{LONG}\\"}}', LONG, '\\"}'),
    ("assignment.secret", f"'secret': '{P}'", P, "'secret': '[REDACTED]'"),
    ("assignment.secret", f'const apiKey = "{LONG}";', LONG, '";'),
    ("assignment.secret", f'API_KEY: str = "{LONG}"', LONG, "API_KEY: str = "),
    ("assignment.secret", f'clientSecret := "{LONG}"', LONG, "clientSecret := "),
    ("assignment.secret", f"config['auth_token'] = '{LONG}'", LONG, "config['auth_token'] = "),
    ("assignment.secret", f":access_token => '{LONG}'", LONG, ":access_token => "),
    ("assignment.secret", f"https://api.host/x?access_token={LONG}&page=2", LONG, "&page=2"),
    ("assignment.secret", f"x-api-key: {LONG}", LONG, "x-api-key: "),
    ("assignment.secret", f"//registry.host/:_authToken={LONG}", LONG, "_authToken="),
    ("assignment.secret", f"AccountKey={LONG}==;EndpointSuffix=core", LONG, ";EndpointSuffix=core"),
    ("assignment.secret", f"Server=db;User=sa;Password={P};", P, "Server=db;User=sa;"),
    (
        "assignment.secret",
        f"aws_secret_access_key = {made(40)}",
        "aws_secret_access_key = Q7",
        "= ",
    ),
    ("flag.secret", f"tool --password {P} --verbose", P, " --verbose"),
    ("flag.secret", f"tool --token {LONG}", LONG, "tool --token "),
    ("url.credentials", f"postgres://app:{P}@db.host:5432/app", P, "@db.host:5432/app"),
    ("url.credentials", f"redis://:{P}@cache:6379/0", P, "@cache:6379/0"),
    ("url.credentials", f"https://alice:{P}@git.host/a.git", P, "https://alice:"),
    ("url.credentials", f"https://{LONG}@git.host/a.git", LONG, "@git.host/a.git"),
    ("authorization.bearer", f"Authorization: Bearer {LONG}", LONG, "Authorization: Bearer "),
    ("authorization.bearer", f"curl -H 'authorization: bearer {LONG}'", LONG, "bearer "),
    ("authorization.basic", f"Authorization: Basic {PAIR}", PAIR, "Authorization: Basic "),
    ("cookie", f"Cookie: sid={LONG}; theme=dark", LONG, "Cookie: sid="),
    ("cookie", f"Set-Cookie: session={LONG}; HttpOnly\r\nVary: *", LONG, "\r\nVary: *"),
    (
        "slack.webhook",
        f"https://hooks.slack.com/services/T00/B00/{made(24)}",
        "Q7",
        "hooks.slack.com",
    ),
    (
        "discord.webhook",
        f"https://discord.com/api/webhooks/123456789012345678/{made(68)}",
        "Q7",
        "discord.com",
    ),
    ("telegram.bot", token("12345678", "9:AA", made(33)), "Q7", "123456789"),
    ("email", "mail alice.meyer@acme-tools.io, please", "alice.meyer", ", please"),
    ("email", "Author: Alice <alice@acme-tools.co.uk>", "alice@", "Author: Alice <"),
    ("home.path", "cd /home/alice/app", "alice", "cd ~/app"),
    ("home.path", "/Users/alice.meyer/src/a.py:3", "alice", "~/src/a.py:3"),
    ("home.path", "C:\\Users\\alice\\app", "alice", "C:\\Users\\~\\app"),
    ("home.path", "/mnt/c/Users/alice/app", "alice", "/mnt/c/Users/~/app"),
    ("home.path", "~/.claude/projects/-home-alice-app/x", "alice", "projects/-home-~-app/x"),
    ("home.path", "/home/alice", "alice", "~"),
]

# What a reader needs, and what only looks like a secret.
READABLE = [
    "token = get_token()",
    "token = request.headers['X-Token']",
    "password: string",
    "password: string;",
    "password?: string,",
    "password: Optional[str] = None",
    "def login(user, password=None):",
    "login(user, password=password)",
    "user.password = form.password",
    "self.password = hash_password(raw)",
    "const API_KEY = process.env.API_KEY",
    'API_KEY = os.environ["API_KEY"]',
    'api_key = config.get("api_key")',
    "SECRET_KEY = settings.SECRET_KEY",
    "SECRET_KEY=$SECRET_KEY",
    "DB_PASSWORD=${DB_PASSWORD:-}",
    "password: ${{ secrets.DB_PASSWORD }}",
    "max_tokens=4096",
    "MAX_TOKENS=4096",
    '"max_tokens": 1024, "token_count": 17',
    '"token": null',
    '"tokens": "12,345"',
    '"token_type": "bearer"',
    "secretName: my-app-tls-2024",
    'secret_name = "prod/db/password-2024"',
    "TOKEN_URL=https://auth.host/oauth/token2",
    "PASSWORD_FILE=/run/secrets/db_password_1",
    "API_KEY=<your-key>",
    "API_KEY=your-api-key-123",
    "API_KEY=xxxxxxxxxxxxxxxx",
    "OPENAI_API_KEY=sk-...",
    "export TOKEN=[REDACTED]",
    '"password": "[REDACTED]"',
    'password: "Enter your password"',
    '"password": "Password"',
    "password: 'Passwort',",
    '<input type="password" name="password" id="p1">',
    "PASSWORD=changeme",
    "if token == other_token1:",
    "token: str | None = None",
    "primary_key=True",
    "SORT_KEY=created_at",
    'cache_key = "user:123:profile"',
    "public_key = ssh_rsa_1234567890abcdef",
    'credentials: "include"',
    "private: true",
    "private static final int MAX = 10;",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "id 550e8400-e29b-41d4-a716-446655440000",
    "data:image/png;base64," + made(400, _LETTERS + "+/"),
    "sha512-" + made(86) + "==",
    "class sk-circle-fade-dot-animation",
    "pip install sk-learn-something-with-a-long-name",
    "hf_hub_download_with_a_very_long_function_name()",
    "npm_config_registry npm_package_version",
    "trk_ and skb_ are prefixes of tokens",
    token("ghp", "_", "x" * 36),
    token("AKIA", "IOSFODNN7", "EXAMPLE"),
    "Authorization: Bearer <token>",
    "Bearer token authentication is required",
    "Basic authentication with passwords",
    "a basic functionality of the parser",
    "the cookie: a small file",
    "Set-Cookie headers are kept",
    "postgres://user:password@localhost/db",
    "postgres://postgres:postgres@localhost:5432/app",
    "postgres://app:${DB_PASSWORD}@db/app",
    "https://host:8080/path?x=1#@here",
    "https://git@github.com/acme/app",
    "git@github.com:acme/app.git",
    "ssh ubuntu@10.0.0.1",
    "Co-Authored-By: Bot <noreply@acme-tools.io>",
    "123+alice@users.noreply.github.com",
    "alice@example.com bob@mail.example.org eve@host.test",
    "import x from '@types/node'; lodash@4.17.21",
    "@pytest.mark.parametrize",
    "icon@2x.png logo@3x.jpg",
    "/home/runner/work/app /home/user/app /Users/Shared/x",
    "https://acme-tools.io/home/settings/profile",
    "navigate('/home/settings')",
    "GET /Users/42/posts",
    "db.staging.internal:5432",
    dashes("BEGIN", "PRIVATE KEY") + " is how a key begins",
    dashes("BEGIN", "CERTIFICATE") + "\n" + made(64) + "\n" + dashes("END", "CERTIFICATE"),
    dashes("BEGIN", "PUBLIC KEY") + "\n" + made(64) + "\n" + dashes("END", "PUBLIC KEY"),
]
