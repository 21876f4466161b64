from __future__ import annotations

import pytest

from traces.model_names import model_name


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("claude-sonnet-4-5-20250929", "Claude Sonnet 4.5"),
        ("claude-opus-4-1", "Claude Opus 4.1"),
        ("claude-opus-4-20250514", "Claude Opus 4"),
        ("claude-3-5-haiku-20241022", "Claude Haiku 3.5"),
        ("claude-3-opus-latest", "Claude Opus 3"),
        ("claude-sonnet-4-5[1m]", "Claude Sonnet 4.5"),
        ("gpt-5.3-codex", "GPT-5.3 Codex"),
        ("gpt-5-codex", "GPT-5 Codex"),
        ("gpt-4o-mini-2024-07-18", "GPT-4o Mini"),
        ("gemini-2.5-pro", "Gemini 2.5 Pro"),
        ("<synthetic>", "<synthetic>"),
        ("acme/Model-7", "acme/Model-7"),
        ("", ""),
        ("claude-" * 100, "claude-" * 100),
    ],
)
def test_known_models_have_the_name_people_use_and_others_their_own(model, name):
    assert model_name(model) == name
