"""Writes each line of standard input to a topic, exactly once: exactly-once.py TOPIC. Needs: pip install requests"""

import os
import sys
import time

import requests

URL = os.environ.get("SLUICE_URL", "http://127.0.0.1:8080") + f"/v1/topics/{sys.argv[1]}/producers"


def send(method, path, body):
    """Sends a request until there is a whole answer, and no 5xx; a refusal is an error."""
    while True:
        try:
            answer = requests.request(method, URL + path, json=body, timeout=15)
            result = answer.json()
            if answer.status_code < 500:
                break
        except requests.RequestException:
            pass
        time.sleep(0.2)
    answer.raise_for_status()
    return result


producer = send("POST", "", {})
sequence = producer["nextSequence"]
for line in sys.stdin:
    written = send("PUT", f"/{producer['producer']}/records/{sequence}", {"value": line.rstrip("\n")})
    print(written["offset"], flush=True)
    sequence = written["nextSequence"]
