import type { LocalKafka } from '../kafka/local-kafka.ts'

/** What the banner tells. */
export interface BannerFacts {
  /** Where the gateway listens. */
  readonly url: string
  /** Of the Kafka that runs with it; absent where KAFKA_BROKERS names another. */
  readonly kafka?: Pick<LocalKafka, 'bootstrap' | 'dataPlace' | 'logFile'>
  readonly kafkaVersion: string
  readonly brokers: readonly string[]
  /** Whether `websocat` is there; else the line takes `npx wscat`, which npm fetches. */
  readonly websocat: boolean
}

/** Says where Sluice listens, and three lines to paste: create a topic, produce, consume. */
export function banner({ url, kafka, kafkaVersion, brokers, websocat }: BannerFacts): string {
  const base = clientUrl(url)
  const json = "-H 'content-type: application/json'"
  const socket = `'${base.replace(/^http/, 'ws')}/v1/ws?topics=orders&group=billing&from=earliest'`
  const kafkaLines =
    kafka === undefined
      ? [`Kafka    ${brokers.join(', ')}`]
      : [
          `Kafka    ${kafka.bootstrap} (Apache Kafka ${kafkaVersion})`,
          `         data: ${kafka.dataPlace}`,
          `         log:  ${kafka.logFile}`,
        ]
  const lines = [
    '',
    `Sluice   ${base} (reference: ${base}/docs)`,
    ...kafkaLines,
    '',
    'Create a topic, produce a record, consume it:',
    '',
    `  curl ${base}/v1/topics ${json} -d '{"name":"orders"}'`,
    `  curl ${base}/v1/topics/orders/records ${json} -d '{"key":"7","value":{"total":42}}'`,
    `  ${websocat ? 'websocat' : 'npx --yes wscat -c'} ${socket}`,
    '',
    kafka === undefined ? 'Ctrl-C stops it.' : 'Ctrl-C stops both; what was written stays.',
    '',
  ]
  return `${lines.join('\n')}\n`
}

/** The address under which this machine reaches a server that listens on all addresses. */
export function clientUrl(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}
