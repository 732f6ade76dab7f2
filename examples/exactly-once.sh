#!/bin/sh
# Writes each line of standard input to a topic, exactly once: exactly-once.sh TOPIC
url=${SLUICE_URL:-http://127.0.0.1:8080}/v1/topics/$1/producers

# Sends a request until there is a whole answer, and no 5xx.
send() {
  while :; do
    answer=$(curl -s --max-time 15 "$@")
    case $answer in *'"status":5'*) ;; '{'*'}') return ;; esac
    sleep 0.2
  done
}
member() { printf '%s\n' "$answer" | sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"; }

send -X POST "$url"
producer=$(member producer) sequence=0
while IFS= read -r line; do
  send -X PUT "$url/$producer/records/$sequence" -H 'content-type: text/plain' --data-raw "$line"
  case $answer in *'"offset":'*) member offset ;; *) echo "$answer" >&2 && exit 1 ;; esac
  sequence=$(member nextSequence)
done
