"""A real HTTP server that speaks Anthropic's Messages and Batches protocol, with faults by script.

    with serve(faults=[RATE_LIMITED, None, DROPPED]) as server:
        client = anthropic.AsyncAnthropic(api_key="any", base_url=server.url)

For benchmarks it runs in a process of its own: `python -m tests.anthropic_server --port 0`, or
`serve_apart()`.
"""

from tests.anthropic_server.apart import Apart, serve_apart
from tests.anthropic_server.behaviour import Behaviour, Billed, Seen
from tests.anthropic_server.messages import default_answer, question_of
from tests.anthropic_server.server import Server, serve
from tests.anthropic_server.wire import Received

__all__ = [
    "Apart",
    "Behaviour",
    "Billed",
    "Received",
    "Seen",
    "Server",
    "default_answer",
    "question_of",
    "serve",
    "serve_apart",
]  # fmt: skip
