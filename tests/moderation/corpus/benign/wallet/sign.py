"""Signs a transaction with a key from the environment."""

import os

from eth_account import Account

account = Account.from_key(os.environ["PRIVATE_KEY"])
print(account.address)
