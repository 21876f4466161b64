"""Invented skills for the demo: `content.py` reads their folders, `publishing.py` publishes them.

A skill is the folder `<owner>/<slug>/`: a `skill.toml` that says what a registry needs to know, and
beside it the files of its latest version as they are published. To add one, add a folder.
"""
