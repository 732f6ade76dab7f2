#!/bin/sh
# Exports a topic to a file, a record a line: export.sh TOPIC FILE
# Run again, after any interruption or later, it goes on where the file ends: every record is in it once.
url=${SLUICE_URL:-http://127.0.0.1:8080}/v1/topics/$1/records file=$2
drop_last_line() { sed '$d' "$file" >"$file.new" && mv "$file.new" "$file"; }

touch "$file"
# Of a line that was cut nothing is kept.
[ "$(tail -c 1 "$file" | wc -l)" -eq 1 ] || drop_last_line
# The last whole line has the cursor to go on from; one that is no record says how it ended before.
cursor=$(tail -n 1 "$file" | sed -n 's/.*"cursor":"\([A-Za-z0-9_-]*\)"}$/\1/p')
case $(tail -n 1 "$file" | cut -c 1-10) in '{"topic":"') ;; *) drop_last_line ;; esac
curl -fsSN -H 'accept: application/x-ndjson' "$url${cursor:+?cursor=$cursor}" >>"$file" || exit
# A connection that was cut leaves no such line.
tail -n 1 "$file" | grep -q '^{"caughtUp":true'
