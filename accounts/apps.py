from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, namespaces, tokens, and who may do what."""

    name = "accounts"
