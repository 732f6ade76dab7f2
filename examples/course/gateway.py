"""What the programs of the course share: one function that sends a request to the gateway."""

import os
import signal
import sys
import time

import requests

URL = os.environ.get("SLUICE_URL", "http://127.0.0.1:8080")
session = requests.Session()
# Ctrl-C ends the program, at once and without a word.
signal.signal(signal.SIGINT, signal.SIG_DFL)


class Refused(SystemExit):
    """An answer that will not change however often one asks. It ends the program, unless the program knows better."""

    def __init__(self, problem):
        super().__init__(f"{problem['title']}: {problem['detail']}")
        self.code_of_problem = problem["code"]


def send(method, path, **request):
    """Sends a request, again and again while that can help, and returns the JSON of the answer."""
    while True:
        try:
            answer = session.request(method, URL + path, timeout=60, **request)
            result = answer.json()
            if answer.ok:
                return result
            if not result["retryable"]:
                raise Refused(result)
            print(f"{result['title']}, trying again", file=sys.stderr)
        except requests.RequestException as error:
            print(f"no answer from {URL}, trying again: {type(error).__name__}", file=sys.stderr)
        time.sleep(0.5)
