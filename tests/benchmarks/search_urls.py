"""The benchmark's addresses, in a process in which what queries mean is drawn.

The model works all the same, and remembers nothing, so that its cost is in every answer; what it
says is thrown away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills import embeddings
from tests.benchmarks import directions, urls

if TYPE_CHECKING:
    from skills.embeddings import Floats

handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
urlpatterns = urls.urlpatterns


def _embed_query(text: str) -> Floats:
    embeddings.embed([text])
    return directions.of_query(text)


embeddings.embed_query = _embed_query
