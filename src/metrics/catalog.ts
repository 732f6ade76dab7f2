/** One metric. */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
}

const histogram = (help: string, ...labels: string[]): MetricRow => ({ type: 'histogram', labels, help })
const counter = (help: string, ...labels: string[]): MetricRow => ({ type: 'counter', labels, help })
const gauge = (help: string, ...labels: string[]): MetricRow => ({ type: 'gauge', labels, help })

/** Every metric of the gateway's own; docs/metrics.md is generated from this table (`npm run generate`). */
export const metrics = {
  sluice_build_info: gauge('1, with the version of the gateway and of Node.', 'version', 'node'),
  sluice_draining: gauge('1 from the moment a shutdown begins.'),
  sluice_http_requests_total: counter(
    'Requests that are over, by operationId (`none` where no route is meant) and class of the status, `2xx` to `5xx`; `gone` where the client left before an answer began.',
    'operation',
    'status',
  ),
  sluice_http_request_duration_seconds: histogram(
    'From the headers of a request to the last byte of the answer; of streams nothing.',
    'operation',
  ),
  sluice_http_response_bytes_total: counter('Bytes of answers, without their headers.', 'operation'),
  sluice_http_requests_in_flight: gauge('Requests that are being read or answered, HTTP streams included.'),
  sluice_http_connections: gauge('Connections of clients that are open, WebSockets included.'),
  sluice_streams: gauge(
    'Streams that are open: `websocket`, and reads as `events` (SSE) and `ndjson`.',
    'kind',
  ),
  sluice_streams_limit: gauge('Most streams at once, of all kinds: SLUICE_MAX_STREAMS.'),
  sluice_streams_opened_total: counter('Streams that were opened.', 'kind'),
  sluice_websockets_closed_total: counter(
    'WebSockets that the gateway closed, by its close code; `client` where the client or the network did, or the protocol was broken.',
    'code',
  ),
  sluice_records_produced_total: counter(
    'Records that were to be written, by what became of them: `written`, `not_written`, `unknown`.',
    'topic',
    'outcome',
  ),
  sluice_produced_bytes_total: counter('Bytes of keys and values that were written.', 'topic'),
  sluice_records_delivered_total: counter(
    'Records that were sent to clients; one that goes to three is three.',
    'topic',
  ),
  sluice_delivered_bytes_total: counter('Bytes of their keys and values, as they are in Kafka.', 'topic'),
  sluice_produce_buffer_bytes: gauge('Bytes of requests and records waiting to be written.'),
  sluice_produce_buffer_limit_bytes: gauge('Most of them: SLUICE_PRODUCE_BUFFER_BYTES.'),
  sluice_produce_batch_records: histogram('Records of the batches made for Kafka.'),
  sluice_produce_batch_bytes: histogram('Bytes of these batches, compressed where they are.'),
  sluice_kafka_request_duration_seconds: histogram(
    'From a call to Kafka to its answer, or to the news that there will be none, by API. A fetch waits for records, and joining a group for its members.',
    'api',
  ),
  sluice_kafka_request_errors_total: counter(
    'Calls to Kafka that failed as a whole: `unanswered`, or `refused` with an error code.',
    'api',
    'kind',
  ),
  sluice_kafka_connections: gauge('Connections to brokers that are open.'),
  sluice_kafka_connect_failures_total: counter('Connections to brokers that could not be opened.'),
  sluice_group_members: gauge('WebSockets of this process that are members of a group.'),
  sluice_group_lag_records: gauge(
    "Records that this process's members of a group have not been sent yet, by the ends of their partitions as the last fetch told them.",
    'group',
    'topic',
  ),
  sluice_refusals_total: counter(
    'What was refused by a limit, by the code of its problem (docs/limits.md); `connections_per_address` are connections that were closed at once.',
    'limit',
  ),
  sluice_shed_total: counter(
    'Requests that were refused as the event loop was late; they are `overloaded`, too.',
  ),
  sluice_held_total: counter(
    'Times that a WebSocket, or a stream that is written, was read no further for its rate.',
  ),
  sluice_event_loop_delay_seconds: gauge('How late the event loop was at the last look, ten a second.'),
  sluice_audit_lines_total: counter('Lines of the audit log.'),
  sluice_audit_dropped_total: counter(
    'Lines of the audit log that were dropped, as the disk did not take them.',
  ),
} as const satisfies Record<string, MetricRow>

export type MetricName = keyof typeof metrics
