"""The receiver that the how-to shows works as it stands there."""

import re
import subprocess
import sys
import time
from pathlib import Path

from gateway.model.notice import Notice, NoticeType
from gateway.settings.schema import WebhooksSection
from gateway.webhooks.post import NotTaken, Post, Taken

HOWTO = Path(__file__).parents[3] / "docs/howto/events-and-webhooks.md"
NOTICE = Notice(5, "E1", NoticeType.MESSAGE_BOUNCED, 1.0, {"recipient": "r@example.net"})
SAYS_PORT = "server = HTTPServer(('127.0.0.1', 0), Receiver)\nprint(server.server_port, flush=True)\nserver.serve_forever()\n"


async def test_the_receiver_of_the_howto(make_webhook) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", HOWTO.read_text(), re.DOTALL)
    assert len(code.splitlines()) == 12
    webhook = make_webhook()
    code, _, last = code.replace("whsec_...", webhook.secret_text).rpartition("\nHTTPServer(")
    assert last.startswith('("127.0.0.1", 8000), Receiver).serve_forever()')
    receiver = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
        [sys.executable, "-c", f"{code}\n{SAYS_PORT}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    post = Post(lambda: WebhooksSection.model_validate({"allow": ["127.0.0.0/8"]}))
    try:
        url = f"http://127.0.0.1:{int(receiver.stdout.readline())}/"
        assert await post.attempt(make_webhook(url=url), NOTICE, time.time()) == Taken(204)
        assert receiver.stdout.readline() == "E1 message.bounced {'recipient': 'r@example.net'}\n"
        assert isinstance(await post.attempt(make_webhook(url=url), NOTICE, 1.0), NotTaken)  # played back
    finally:
        await post.close()
        receiver.kill()
        receiver.wait()
        receiver.stdout.close()
