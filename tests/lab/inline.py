"""A reader of heavy HTML without a process of its own: for tests, in which nobody else waits for an answer."""

from sealgate.app.ports import Budget
from sealgate.mail.visible import View, read_html


class InlineReader:
    """Fills the port `Reader` in this process, without limits."""

    def read(self, html: bytes, charset: str, budget: Budget | None = None) -> View:
        """Return what a reader sees."""
        return read_html(html, charset)
