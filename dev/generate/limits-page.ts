import { maxHeaderSize } from 'node:http'
import type { z } from 'zod'
import { MAX_LENGTH as MAX_TOKEN_LENGTH } from '../../src/auth/jwt.ts'
import { settings } from '../../src/config/settings.ts'
import { MAX_HEADER_FIELDS } from '../../src/http/request-target.ts'
import { timeouts } from '../../src/http/server.ts'
import { limitRows } from '../../src/limits/catalog.ts'
import { MAX_CALLERS } from '../../src/limits/limiter.ts'
import { MAX_CHARS as MAX_CURSOR_LENGTH } from '../../src/records/cursor.ts'
import { MAX_HEADERS as MAX_RECORD_HEADERS } from '../../src/records/record-parser.ts'
import { MAX_FILTER_HEADERS } from '../../src/records/record-filter.ts'
import { MAX_SELECTED_TOPICS } from '../../src/streams/topic-selection.ts'
import { AUTHENTICATE_MS } from '../../src/ws/identity.ts'
import { MAX_SEEKS } from '../../src/ws/seeks.ts'
import { MAX_FRAGMENTS, UNKNOWN_SHARE } from '../../src/ws/server.ts'
import { MAX_MISTAKES } from '../../src/ws/session.ts'
import { MAX_TOPICS } from '../../src/ws/subscription-options.ts'
import { defaultOf } from './config-page.ts'

const number = (value: number) => value.toLocaleString('en-US')
const seconds = (ms: number) => `${ms / 1_000} s`

/** What no setting changes. */
const fixed: readonly (readonly [what: string, value: string, past: string, attack: string])[] = [
  [
    'request line and headers',
    `${number(maxHeaderSize)} bytes`,
    '431 `headers_too_large`',
    'headers that fill memory',
  ],
  [
    'lines of headers',
    number(MAX_HEADER_FIELDS),
    '431 `headers_too_large`',
    'thousands of tiny ones: each costs more than its bytes',
  ],
  [
    'time for the headers',
    seconds(timeouts.headersMs),
    '408 `request_timeout`, closed',
    'slowloris: headers a byte at a time',
  ],
  [
    'time for the whole request',
    seconds(timeouts.requestMs),
    '408 `request_timeout`, closed; a stream of records need only move',
    'the same with the body',
  ],
  ['time between requests', seconds(timeouts.keepAliveMs), 'closed', 'idle connections'],
  [
    'headers of one record',
    number(MAX_RECORD_HEADERS),
    '422 `invalid_headers`',
    'a small body that is large once parsed',
  ],
  [
    'compressed bodies, compressed WebSocket messages',
    'none',
    '415 `unsupported_content_encoding`; never agreed to',
    'bombs: a little that becomes a lot',
  ],
  [
    'cursor',
    `${number(MAX_CURSOR_LENGTH)} characters`,
    '400 `invalid_cursor`',
    'a forged one that is costly to read',
  ],
  [
    'JSON Web Token',
    `${number(MAX_TOKEN_LENGTH)} characters`,
    '401 `invalid_credentials`',
    'signatures that are costly to check',
  ],
  [
    'header filters of one reader',
    number(MAX_FILTER_HEADERS),
    '422 `invalid_parameter`, `invalid_subscription`',
    'work for every record',
  ],
  [
    'topics named by one subscription',
    number(MAX_TOPICS),
    '`invalid_subscription`, 4422',
    'one socket that reads everything',
  ],
  [
    'topics that its patterns may reach',
    number(MAX_SELECTED_TOPICS),
    '`invalid_subscription`, 4422',
    'the same',
  ],
  ['subscriptions of one WebSocket', '1', '`already_subscribed`', 'thousands on one socket'],
  [
    'seeks of one WebSocket that wait for Kafka',
    number(MAX_SEEKS),
    '`too_many_seeks`',
    'questions to Kafka that pile up',
  ],
  [
    'messages of one WebSocket that are mistakes',
    number(MAX_MISTAKES),
    'closed with 4400',
    'a loop that errs for ever',
  ],
  [
    'fragments of one WebSocket message',
    number(MAX_FRAGMENTS),
    'closed with 1008',
    'memory: each costs many times its size',
  ],
  [
    'time for a WebSocket to say by message who it is',
    seconds(AUTHENTICATE_MS),
    'closed with 4401',
    'sockets of nobody',
  ],
  [
    'share of all streams that may be such sockets',
    `${UNKNOWN_SHARE * 100} %`,
    '503 `too_many_streams`',
    'the same: they must not take the places of others',
  ],
  [
    'callers whose use is remembered',
    number(MAX_CALLERS),
    'those that used nothing lately are forgotten',
    'requests from ever new addresses',
  ],
]

/** docs/limits.md: every limit, and what it is there for. */
export function limitsPage(): string {
  const all: Readonly<Record<string, z.ZodType>> = settings
  const bySetting = limitRows.map(({ setting, name, past, attack }) => {
    const value = number(Number(defaultOf(all[setting]!).replaceAll('`', '')))
    return `| \`${setting}\` | \`${name}\` | ${value === '0' ? 'none' : value} | ${past} | ${attack} |`
  })
  const others = fixed.map((cells) => `| ${cells.join(' | ')} |`)
  return `<!-- Generated from src/limits/catalog.ts and dev/generate/limits-page.ts by \`npm run generate\`. -->

# Limits

Everything that a client can make the gateway hold or do is bounded. Past a limit it is refused, never cut short without a
word, and answers that have a problem are [explained](problems.md). Limits count for each process (\`SLUICE_WORKERS\`).

\`GET /v1/limits\` says what holds for whoever asks, and how much of it is left:

\`\`\`sh
curl http://127.0.0.1:8080/v1/limits
\`\`\`

## How much one caller may take

By default nobody is limited: one machine, one service or one load test may use all that there is, and what the process as a
whole can bear is bounded by other limits. Where several share a gateway, say how much each may take:

\`\`\`sh
SLUICE_RATE_REQUESTS=200 SLUICE_RATE_BYTES=5000000 SLUICE_RATE_READ_BYTES=20000000 \\
  SLUICE_MAX_STREAMS_PER_PRINCIPAL=50 npm start
\`\`\`

Each principal has these by itself, whichever of its keys' secrets or tokens it shows. Who has shown nothing is counted by
address, an IPv6 address by its /64; behind a proxy that is the proxy's, for all who come through it, unless
\`SLUICE_TRUSTED_PROXIES\` names it. The file of rules says otherwise for some, and counts within a second of being changed:

\`\`\`yaml
limits:
  - { to: ['key:billing'], requestsPerSecond: 1000, bytesPerSecond: 0 }
  - { to: ['role:batch'], streams: 2, readBytesPerSecond: 1000000 }
  - { to: ['*'], requestsPerSecond: 20, streams: 10 }
\`\`\`

\`to\` is as in [rules](security.md#what); of each limit, the first line that speaks to a principal counts, then the setting.
0 is no limit. Probes, the documentation and the contract are not counted.

A rate may be used up to \`SLUICE_RATE_BURST_SECONDS\` ahead by whoever has used less before. Answers of whoever has one say in
\`RateLimit-Policy\` and \`RateLimit\` (draft-ietf-httpapi-ratelimit-headers-10) what is allowed and what is left:

\`\`\`
RateLimit-Policy: "requests";q=1000;w=5, "bytes";q=25000000;w=5;qu="content-bytes", "read-bytes";q=100000000;w=5;qu="content-bytes"
RateLimit: "requests";r=997;t=1, "bytes";r=24999000;t=1, "read-bytes";r=99310000;t=1
\`\`\`

Past it a request is answered 429 \`rate_limited\` with \`Retry-After\` before its body is read, and nothing of it is done. A
body may be larger than what is left: it is taken, and those that come behind it wait until that is made up for. What can be
slowed is not refused: of a stream of records, and of a WebSocket, no more is read until there is room, so that TCP slows its
sender. A WebSocket message counts as a request; none is lost, and none closes the socket for being too early.

What is read counts by itself, as the bytes of answers with records and of streams of them (\`read-bytes\` in the fields): it
keeps nobody from writing. A read past it is 429 before Kafka is asked, one that is larger than what is left is answered. A
stream and a WebSocket are sent their records as the rate allows and none is left out; meanwhile no more is read from
Kafka for them, and heartbeats go on.

## Too busy

Where the event loop is late by more than \`SLUICE_MAX_LOOP_DELAY_MS\` twice in a row, every request would be answered too late:
new ones, and new WebSockets, are refused with 503 \`overloaded\`, before a byte of their body is read, until it is in time
again. Requests and streams under way go on, and probes are answered. One late turn alone (a laptop that slept) refuses nothing.

## All of them

What is refused is counted in [\`sluice_refusals_total\`](metrics.md), by the code of its problem; what is slowed in
\`sluice_held_total\`; 429 is in the [audit log](operations.md) as \`limited\`.

| setting | in \`GET /v1/limits\` | default | past it | against |
| --- | --- | --- | --- | --- |
${bySetting.join('\n')}

Fixed:

| limit | | past it | against |
| --- | --- | --- | --- |
${others.join('\n')}
`
}
