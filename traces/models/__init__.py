from traces.models.message import Kind, Message
from traces.models.trace import TitleSource, Trace, VisibilitySource

__all__ = ["Kind", "Message", "TitleSource", "Trace", "VisibilitySource"]
