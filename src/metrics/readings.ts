import type { AuditLog } from '../audit/audit-log.ts'
import type { KafkaMeter } from '../kafka/meter.ts'
import type { ByteBudget } from '../kafka/writer/byte-budget.ts'
import type { Admission } from '../limits/admission.ts'
import type { StreamSlots } from '../streams/slots.ts'
import type { MetricName } from './catalog.ts'
import type { Histogram } from './histogram.ts'
import type { Meters } from './meters.ts'

/** The values of the labels, in the order of the metric's row, and the value. */
export type Sample = readonly [labels: readonly (string | number)[], value: number | Histogram]

/** How each metric is read, at the moment it is asked for. */
export type Readings = { readonly [name in MetricName]: () => Iterable<Sample> | Promise<Iterable<Sample>> }

/** What is read. */
export interface Sources {
  readonly meters: Meters
  readonly kafka: KafkaMeter
  readonly budget: ByteBudget
  readonly bufferBytes: number
  readonly slots: StreamSlots
  readonly admission: Admission
  readonly audit: AuditLog | undefined
  readonly version: string
  readonly draining: () => boolean
  /** How many clients are connected. */
  readonly connections: () => Promise<number>
}

const one = (value: number | Histogram): Sample[] => [[[], value]]
const statusClasses = ['gone', '1xx', '2xx', '3xx', '4xx', '5xx'] as const

export function readingsOf(sources: Sources): Readings {
  const { meters, kafka, budget, slots, audit } = sources
  const operations = () => [...meters.http.entries()]
  const topics = () => [...kafka.traffic.entries()]
  const streams = () => Object.entries(slots.counts)
  return {
    sluice_build_info: () => [[[sources.version, process.version], 1]],
    sluice_draining: () => one(Number(sources.draining())),
    sluice_http_requests_total: () =>
      operations().flatMap(([operation, { byClass }]) =>
        byClass.flatMap((n, i): Sample[] => (n === 0 ? [] : [[[operation, statusClasses[i]!], n]])),
      ),
    sluice_http_request_duration_seconds: () =>
      operations().map(([operation, { seconds }]) => [[operation], seconds]),
    sluice_http_response_bytes_total: () =>
      operations().map(([operation, { responseBytes }]) => [[operation], responseBytes]),
    sluice_http_requests_in_flight: () => one(meters.http.inFlight),
    sluice_http_connections: async () => one(await sources.connections()),
    sluice_streams: () => streams().map(([kind, { open }]) => [[kind], open]),
    sluice_streams_limit: () => one(slots.limit),
    sluice_streams_opened_total: () => streams().map(([kind, { opened }]) => [[kind], opened]),
    sluice_websockets_closed_total: () => [...meters.closes].map(([code, n]) => [[code], n]),
    sluice_records_produced_total: () =>
      topics().flatMap(([topic, { written, notWritten, unknown }]): Sample[] => [
        [[topic, 'written'], written],
        [[topic, 'not_written'], notWritten],
        [[topic, 'unknown'], unknown],
      ]),
    sluice_produced_bytes_total: () => topics().map(([topic, { writtenBytes }]) => [[topic], writtenBytes]),
    sluice_records_delivered_total: () => topics().map(([topic, { delivered }]) => [[topic], delivered]),
    sluice_delivered_bytes_total: () =>
      topics().map(([topic, { deliveredBytes }]) => [[topic], deliveredBytes]),
    sluice_produce_buffer_bytes: () => one(budget.used),
    sluice_produce_buffer_limit_bytes: () => one(sources.bufferBytes),
    sluice_produce_batch_records: () => one(kafka.batchRecords),
    sluice_produce_batch_bytes: () => one(kafka.batchBytes),
    sluice_kafka_request_duration_seconds: () => kafka.allCalls.map(({ api, seconds }) => [[api], seconds]),
    sluice_kafka_request_errors_total: () =>
      kafka.allCalls.flatMap(({ api, unanswered, refused }): Sample[] => [
        [[api, 'unanswered'], unanswered],
        [[api, 'refused'], refused],
      ]),
    sluice_kafka_connections: () => one(kafka.connections),
    sluice_kafka_connect_failures_total: () => one(kafka.failedConnects),
    sluice_group_members: () => one(meters.lags.members),
    sluice_group_lag_records: () =>
      meters.lags.sums().map(({ group, topic, records }) => [[group, topic], records]),
    sluice_refusals_total: () => [...meters.limits.refusals].map(([limit, n]) => [[limit], n]),
    sluice_shed_total: () => one(meters.limits.shed),
    sluice_held_total: () => one(meters.limits.held),
    sluice_event_loop_delay_seconds: () => one(sources.admission.loopDelayMs / 1_000),
    sluice_audit_lines_total: () => one(audit?.written ?? 0),
    sluice_audit_dropped_total: () => one(audit?.dropped ?? 0),
  }
}
