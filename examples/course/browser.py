"""Shows the messages of a topic in a browser as they come: browser.py TOPIC, then open http://127.0.0.1:8000"""

import json
import os
import sys

from flask import Flask, Response, request

from gateway import Refused, send

if len(sys.argv) < 2:
    sys.exit(__doc__)

RECORDS = f"/v1/topics/{sys.argv[1]}/records"
PAGE = """<!doctype html>
<title>Messages</title>
<h1>Messages</h1>
<ol id="messages"></ol>
<script>
  const list = document.getElementById('messages')
  // Where the connection drops the browser connects again by itself, and says which event it had last.
  const source = new EventSource('/messages')
  source.onmessage = ({ data }) => {
    for (const { partition, offset, key, value } of JSON.parse(data)) {
      const line = `${partition}/${offset} ${key}: ${JSON.stringify(value)}`
      list.appendChild(document.createElement('li')).textContent = line
    }
  }
  source.addEventListener('problem', ({ data }) => {
    list.after(data)
    source.close()
  })
</script>"""

app = Flask(__name__)


@app.get("/")
def page():
    return PAGE


@app.get("/messages")
def messages():
    last = request.headers.get("Last-Event-ID")
    return Response(events({"cursor": last} if last else {"from": "earliest"}), mimetype="text/event-stream")


def events(position):
    """One event for each page of records; its id is the cursor, which says where the next page begins."""
    # How long the browser waits before it connects again, in milliseconds.
    yield "retry: 500\n\n"
    try:
        while True:
            # Where there is nothing new the gateway waits for it, ten seconds at most.
            page = send("GET", RECORDS, params={**position, "wait": 10_000})
            yield f"id: {page['cursor']}\ndata: {json.dumps(page['records'])}\n\n"
            position = {"cursor": page["cursor"]}
    except Refused as refused:
        yield f"event: problem\ndata: {refused}\n\n"


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "8000")))
