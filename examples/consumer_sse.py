"""Prints every record of a topic, and goes on after any failure: consumer_sse.py TOPIC. Needs: pip install requests"""

import json, os, sys, time
import requests

URL = os.environ.get("SLUICE_URL", "http://127.0.0.1:8080") + f"/v1/topics/{sys.argv[1]}/records?from=earliest"
headers = {"accept": "text/event-stream"}
while True:
    try:
        with requests.get(URL, headers=headers, stream=True, timeout=60) as answer:
            if answer.status_code < 500:
                answer.raise_for_status()
            for event in answer.iter_lines(delimiter=b"\n\n"):
                fields = dict(line.split(": ", 1) for line in event.decode().split("\n") if ": " in line)
                if "data" in fields and "event" not in fields:
                    record = json.loads(fields["data"])
                    print(json.dumps([record["key"], record["value"]]), flush=True)
                if "id" in fields:
                    headers["last-event-id"] = fields["id"]
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
        pass
    time.sleep(0.5)
