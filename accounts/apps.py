from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    """People, namespaces, tokens, and who may do what."""

    name = "accounts"
    default = True


class RawTablesConfig(admin_apps.AdminConfig):
    """Django's admin site, for whom `accounts.raw_tables` lets in."""

    default = False
    default_site = "accounts.raw_tables.RawTables"
