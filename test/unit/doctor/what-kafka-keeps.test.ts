import { describe, expect, it } from 'vitest'
import type { Verdicts } from '../../../src/doctor/finding.ts'
import { brokersVerdicts } from '../../../src/doctor/kafka/brokers.ts'
import {
  kafkaTopicsVerdicts,
  newTopicsVerdicts,
  type Topics,
  topicsVerdicts,
} from '../../../src/doctor/kafka/durability.ts'
import {
  autoCreateVerdict,
  partitionsVerdicts,
  uncleanVerdict,
} from '../../../src/doctor/kafka/partitions.ts'

const good = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'unclean.leader.election.enable': 'false',
  'auto.create.topics.enable': 'false',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
}
/** Brokers of which each has these configs, but for what is said of the last. */
const brokers = (last: Record<string, string> = {}, count = 3) =>
  new Map(
    Array.from({ length: count }, (_, n) => [
      n + 1,
      new Map(Object.entries({ ...good, ...(n === count - 1 && last) })),
    ]),
  )

/** A topic of one partition with its replicas in sync, and its configs. */
function topic(
  name: string,
  replicas: number[],
  { inSync = '2', unclean = 'false', leader = replicas[0]!, isr = replicas } = {},
): Topics {
  return {
    seen: [
      {
        name,
        internal: name.startsWith('__'),
        partitions: [{ partition: 0, leader, replicas, isr }],
        operations: undefined,
      },
    ],
    configs: new Map([
      [
        name,
        new Map(Object.entries({ 'min.insync.replicas': inSync, 'unclean.leader.election.enable': unclean })),
      ],
    ]),
  }
}
const all = (...topics: Topics[]): Topics => ({
  seen: topics.flatMap(({ seen }) => seen),
  configs: new Map(topics.flatMap(({ configs }) => [...configs])),
})
const three = [1, 2, 3]
const statuses = (verdicts: Verdicts) => [verdicts].flat().map(({ status }) => status)

describe('a cluster of three that keeps all promises', () => {
  it('has nothing to be said about', () => {
    const topics = all(topic('orders', three), topic('__consumer_offsets', three))
    const registered = three.map((broker) => ({ broker, host: 'h', port: 1, rack: null, fenced: false }))
    const said = [
      brokersVerdicts(registered),
      newTopicsVerdicts(brokers(), 3),
      kafkaTopicsVerdicts(topics, brokers(), 3),
      topicsVerdicts(topics, 3),
      partitionsVerdicts(topics),
      uncleanVerdict(topics, brokers()),
      autoCreateVerdict(brokers()),
    ]
    expect(said.flatMap(statuses)).toEqual(Array(7).fill('ok'))
  })
})

describe('what a new topic gets', () => {
  const [replicas, inSync] = ['default.replication.factor', 'min.insync.replicas']
  it.each([
    ['fewer replicas than there could be', 3, { [replicas]: '2', [inSync]: '1' }, ['warning', 'warning']],
    ['more replicas than there are brokers', 2, {}, ['problem']],
    ['more that must be in sync than replicas', 3, { [inSync]: '4' }, ['problem']],
    ['as many that must be in sync as replicas', 3, { [inSync]: '3' }, ['warning']],
    ['what one broker can give', 1, { [replicas]: '1', [inSync]: '1' }, ['ok']],
  ])('%s', (_, count, configs: Record<string, string>, expected) => {
    const each = new Map(
      [...brokers({}, count)].map(([node, own]) => [node, new Map([...own, ...Object.entries(configs)])]),
    )
    expect(statuses(newTopicsVerdicts(each, count))).toEqual(expected)
  })

  it('is not judged where Kafka does not tell', () => {
    expect(statuses(newTopicsVerdicts(new Map(), 3))).toEqual(['skipped'])
    expect(statuses(uncleanVerdict({ seen: [], configs: new Map() }, new Map()))).toEqual(['skipped'])
    expect(statuses(autoCreateVerdict(new Map()))).toEqual(['skipped'])
  })
})

describe("Kafka's own topics", () => {
  const none: Topics = { seen: [], configs: new Map() }

  it('are judged by what they will be like where nothing has needed them yet', () => {
    // The trap of one broker with the defaults of Kafka: no group can be used.
    expect(kafkaTopicsVerdicts(none, brokers({}, 1), 1)).toMatchObject([
      {
        status: 'problem',
        subject: '__consumer_offsets',
        fix: expect.stringContaining('offsets.topic.replication.factor=1'),
      },
      { status: 'problem', subject: '__transaction_state' },
    ])
    const few = brokers({ 'offsets.topic.replication.factor': '1' })
    expect(kafkaTopicsVerdicts(none, few, 3)).toMatchObject([
      { status: 'warning', subject: '__consumer_offsets' },
    ])
  })

  it('are judged by what they are, the secret of the gateway as well', () => {
    const lonely = topic('_sluice_secrets', [2], { inSync: '1' })
    expect(kafkaTopicsVerdicts(lonely, brokers(), 3)).toMatchObject([
      {
        status: 'warning',
        subject: '_sluice_secrets',
        seen: expect.stringContaining('fewer than 3 replicas'),
      },
    ])
  })
})

describe('topics and partitions', () => {
  it('are named where they lack something, five at most and the rest counted', () => {
    const weak = Array.from({ length: 7 }, (_, n) => topic(`weak-${n}`, three, { inSync: '1' }))
    const topics = all(...weak, topic('fine', three), topic('blocked', [1, 2], { inSync: '3' }))
    expect(topicsVerdicts(topics, 3)).toMatchObject([
      { status: 'problem', seen: expect.stringMatching(/^1 of 9 .*: blocked$/) },
      { status: 'warning', seen: expect.stringMatching(/^1 of 9 with fewer than 3 replicas: blocked$/) },
      {
        status: 'warning',
        seen: expect.stringMatching(/^7 of 9 .*: weak-0, weak-1, weak-2, weak-3, weak-4 and 2 more$/),
      },
    ])
  })

  it('of one broker are not asked for more than it can give', () => {
    expect(statuses(topicsVerdicts(topic('orders', [1], { inSync: '1' }), 1))).toEqual(['ok'])
    expect(statuses(topicsVerdicts(topic('orders', [1], { inSync: '2' }), 1))).toEqual(['problem'])
  })

  it('are told apart by what can be done with them', () => {
    const topics = all(
      topic('gone', three, { leader: -1, isr: [] }),
      topic('stuck', three, { isr: [1] }),
      topic('behind', three, { isr: [1, 2] }),
    )
    expect(partitionsVerdicts(topics)).toMatchObject([
      { status: 'problem', seen: expect.stringMatching(/no leader.*: gone-0$/) },
      { status: 'problem', seen: expect.stringMatching(/can not be written: stuck-0$/) },
      { status: 'warning', seen: expect.stringMatching(/not in sync: behind-0$/) },
    ])
  })

  it('lose what was written where one topic, or one broker, lets a replica lead that lacks it', () => {
    const unclean = topic('metrics', three, { unclean: 'true' })
    expect(uncleanVerdict(unclean, brokers())).toMatchObject({
      status: 'warning',
      seen: expect.stringContaining('topics metrics'),
    })
    const last = brokers({ 'unclean.leader.election.enable': 'true' })
    expect(uncleanVerdict(topic('orders', three), last)).toMatchObject({
      status: 'warning',
      seen: expect.stringContaining('brokers 3'),
    })
    expect(statuses(autoCreateVerdict(brokers({ 'auto.create.topics.enable': 'true' })))).toEqual(['warning'])
  })
})
