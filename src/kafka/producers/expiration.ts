import type { Logger } from 'pino'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { KafkaCode, kafkaErrorName, problemFromKafka } from '../errors.ts'
import { BROKER_RESOURCE, describeConfigs } from '../wire/config-apis.ts'

const CONFIG = 'producer.id.expiration.ms'
/** Kafka's own default. */
const A_DAY_MS = 86_400_000
/** How long an answer serves: the config can be changed while a broker runs. */
const MAX_AGE_MS = 600_000

/** How long a broker remembers a producer that writes nothing, ms, by its `producer.id.expiration.ms`. */
export class ProducerExpiration {
  readonly #cluster: Cluster
  readonly #log: Pick<Logger, 'warn'>
  readonly #known = new Map<number, { ms: number; askedAt: number }>()
  #warned = false

  constructor(cluster: Cluster, log: Pick<Logger, 'warn'>) {
    this.#cluster = cluster
    this.#log = log
  }

  /**
   * Of one broker; Kafka's default, a day, where the gateway may not see it.
   * @throws Problem kafka_unavailable, kafka_auth_failed
   */
  async of(nodeId: number, deadline: Deadline): Promise<number> {
    const known = this.#known.get(nodeId)
    if (known !== undefined && performance.now() - known.askedAt < MAX_AGE_MS) return known.ms
    const ms = await this.#ask(nodeId, deadline)
    this.#known.set(nodeId, { ms, askedAt: performance.now() })
    return ms
  }

  async #ask(nodeId: number, deadline: Deadline): Promise<number> {
    const resource = {
      resourceType: BROKER_RESOURCE,
      resourceName: String(nodeId),
      configurationKeys: [CONFIG],
    }
    try {
      const connection = await deadline.within(this.#cluster.control(nodeId))
      const answer = await deadline.within(connection.call(describeConfigs, [resource], false, false))
      const { errorCode, configs } = answer.results[0]!
      const ms = Number(configs.find(({ name }) => name === CONFIG)?.value)
      if (errorCode === KafkaCode.NONE && ms > 0) return ms
      if (!this.#warned) {
        this.#log.warn({ cause: kafkaErrorName(errorCode) }, `${CONFIG} cannot be read: a day is assumed`)
      }
      this.#warned = true
      return A_DAY_MS
    } catch (error) {
      throw problemFromKafka(error)
    }
  }
}
