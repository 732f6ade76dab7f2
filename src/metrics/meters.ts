import { GroupLags } from './group-lags.ts'
import { LimitCounts } from '../limits/limit-counts.ts'
import { HttpTally } from './http-tally.ts'

/** What the routes and the WebSocket server count; what passes between the gateway and Kafka is in Cluster.meter. */
export class Meters {
  readonly http = new HttpTally()
  readonly lags: GroupLags
  readonly limits = new LimitCounts()
  /** How many WebSockets were closed, by the gateway's own close code or `client`. */
  readonly closes = new Map<string, number>()

  /** So many groups, and topics, are told apart. */
  constructor(names: number) {
    this.lags = new GroupLags(names)
  }

  closed(code: string): void {
    this.closes.set(code, (this.closes.get(code) ?? 0) + 1)
  }
}
