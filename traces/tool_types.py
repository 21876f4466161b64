"""What tools do, whatever an agent calls them. Pure."""

from __future__ import annotations

from typing import Final

# The type that an address names, and the names of such tools in small letters.
TOOLS_OF_TYPE: Final = {
    "edit": (
        *("edit", "multiedit", "write", "notebookedit", "apply_patch", "patch", "create_file"),
        *("edit_file", "write_file", "str_replace", "str_replace_editor", "search_replace"),
    ),
    "read": ("read", "read_file", "view", "view_file", "open_file", "notebookread", "cat"),
    "grep": (
        *("grep", "glob", "search", "rg", "ls", "find", "grep_search", "codebase_search"),
        *("list_dir", "list_files", "search_files", "file_search"),
    ),
    "bash": (
        *("bash", "shell", "exec", "exec_command", "execute_command", "local_shell", "terminal"),
        *("run_terminal_cmd", "run_command", "bashoutput", "container.exec", "unified_exec"),
    ),
    "web": ("webfetch", "websearch", "web_search", "web_fetch", "fetch", "browser"),
    "task": ("task", "agent", "todowrite", "todo_write", "update_plan"),
}
LONGEST_NAME: Final = 128


def tools_named(wanted: str) -> tuple[str, ...]:
    """Return the tools that an address means: those of a type, or the one of this very name."""
    name = wanted.strip().lower()[:LONGEST_NAME]
    return TOOLS_OF_TYPE.get(name) or ((name,) if name else ())
