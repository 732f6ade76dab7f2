"""Writes numbered readings of a sensor to a topic: producer.py TOPIC SENSOR COUNT [SECONDS BETWEEN THEM]"""

import sys
import time

from gateway import send

if len(sys.argv) < 4:
    sys.exit(__doc__)

topic, sensor, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
pause = float(sys.argv[4]) if len(sys.argv) > 4 else 0

for n in range(count):
    record = {"key": sensor, "value": {"sensor": sensor, "n": n, "celsius": 20 + n % 5}}
    # Where an answer is lost on the way this sends the record again, and it may be in the topic twice.
    written = send("POST", f"/v1/topics/{topic}/records", json=record)
    print(f"{sensor} {n}: partition {written['partition']}, offset {written['offset']}", flush=True)
    time.sleep(pause)
