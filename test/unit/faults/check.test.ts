import { describe, expect, it } from 'vitest'
import { check, type Evidence } from '../../../faults/checker/check.ts'
import type { LogRecord } from '../../../faults/checker/log.ts'
import type { HistoryEvent, SendResult } from '../../../faults/history/events.ts'
import { contentOf, digestOf, newId } from '../../../faults/history/record.ts'

/** Two partitions of ten records; markers and aborted records leave gaps between their offsets. */
const direct: readonly LogRecord[] = [0, 1].flatMap((partition) =>
  Array.from({ length: 10 }, (_, n) => {
    const id = newId(`writer${partition}`, n)
    return { topic: 't', partition, offset: n + (n >> 2), id, digest: digestOf(contentOf(id)) }
  }),
)
const of = (partition: number) => direct.filter((record) => record.partition === partition)
const offset = (partition: number, rank: number) => of(partition)[rank]?.offset ?? 12

type Draft = HistoryEvent extends infer E ? (E extends HistoryEvent ? Omit<E, 'at'> : never) : never
const timed = (drafts: readonly Draft[]) => drafts.map((draft, n): HistoryEvent => ({ ...draft, at: n * 10 }))

/** One client of each partition sends five units of two records, each when the one before it was answered. */
const sends: readonly Draft[] = [0, 1].flatMap((partition) =>
  [0, 1, 2, 3, 4].flatMap((op): Draft[] => {
    const own = of(partition).slice(op * 2, op * 2 + 2)
    const common = { client: `writer${partition}`, f: 'send', op } as const
    const results = own.map(({ offset }): SendResult => ({ outcome: 'written', partition, offset }))
    const records = own.map(({ topic, id }) => [topic, id] as const)
    return [
      { ...common, type: 'invoke', route: 'r', isUnit: true, records },
      { ...common, type: 'ok', results, longestMs: 5 },
    ]
  }),
)
const on = (connection: string) => {
  const client = connection.split('#', 1)[0]!
  const isMember = client !== 'reader'
  return { client, connection, type: 'ok', ...(isMember && { group: 'run-g' }) } as const
}
const poll = (connection: string, partition: number, from: number, to: number): Draft => {
  const records = of(partition).slice(from, to)
  return {
    ...on(connection),
    ...{ f: 'poll', topic: 't', partition },
    records: records.map(({ offset, id, digest }) => [offset, id, digest]),
  }
}
const at = (
  f: 'assigned' | 'acked' | 'committed',
  connection: string,
  partition: number,
  rank: number,
): Draft => ({ ...on(connection), f, place: { topic: 't', partition, offset: offset(partition, rank) } })
const revoked = (connection: string, partition: number): Draft => {
  return { ...on(connection), f: 'revoked', place: { topic: 't', partition } }
}
const closed = (connection: string): Draft => ({ ...on(connection), f: 'closed' })
const done = (connection: string, partition: number, rank: number): Draft[] => [
  at('acked', connection, partition, rank),
  at('committed', connection, partition, rank),
]

/** Member a has both partitions and gives the first up to b; then its socket ends, and b has the other too. */
const group: readonly Draft[] = [
  ...[at('assigned', 'a#1', 0, 0), at('assigned', 'a#1', 1, 0), poll('a#1', 0, 0, 4), poll('a#1', 1, 0, 5)],
  ...[...done('a#1', 0, 4), revoked('a#1', 0)],
  ...[at('assigned', 'b#1', 0, 4), poll('b#1', 0, 4, 10), ...done('b#1', 0, 10)],
  ...[at('acked', 'a#1', 1, 5), at('committed', 'a#1', 1, 3), closed('a#1')],
  ...[at('assigned', 'b#1', 1, 3), poll('b#1', 1, 3, 10), ...done('b#1', 1, 10)],
]
const reader: readonly Draft[] = [
  ...[at('assigned', 'reader#1', 0, 0), at('assigned', 'reader#1', 1, 0)],
  ...[poll('reader#1', 0, 0, 4), poll('reader#1', 1, 0, 10), closed('reader#1')],
  ...[at('assigned', 'reader#2', 0, 4), at('assigned', 'reader#2', 1, 10), poll('reader#2', 0, 4, 6)],
  poll('reader#2', 0, 6, 10),
]
const committed = (first: number, second: number) =>
  new Map([['run-g', new Map([['t/0', offset(0, first)], ['t/1', offset(1, second)]])]]) // prettier-ignore

interface World {
  sends: Draft[]
  group: Draft[]
  reader: Draft[]
  direct: LogRecord[]
  evidence: { -readonly [K in keyof Evidence]?: Evidence[K] }
}

/** What the verdict names, with how often, once something was changed. */
function found(change: (world: World) => void = () => {}): Record<string, number> {
  const world: World = {
    ...{ sends: [...sends], group: [...group], reader: [...reader], direct: [...direct] },
    evidence: { throughGateway: direct, committed: committed(10, 10) },
  }
  change(world)
  const history = timed([...world.sends, ...world.group, ...world.reader])
  const verdict = check({ history, direct: world.direct, ...world.evidence })
  expect(verdict.broken.length > 0).toBe(Object.keys(verdict.counts).length > 0)
  return verdict.counts
}

const index = (drafts: readonly Draft[], wanted: Draft) => {
  const i = drafts.findIndex((one) => JSON.stringify(one) === JSON.stringify(wanted))
  expect(i, 'is in the history').toBeGreaterThanOrEqual(0)
  return i
}
/** Changes what was answered to the n-th unit of the first client. */
const answer = ({ sends }: World, n: number, ...results: readonly Partial<SendResult>[]) => {
  const done = sends[n * 2 + 1] as Draft & { results: readonly SendResult[] }
  sends[n * 2 + 1] = { ...done, results: done.results.map((one, i) => ({ ...one, ...results[i] })) } as Draft
}
const replace = (drafts: Draft[], wanted: Draft, ...others: Draft[]) =>
  void drafts.splice(index(drafts, wanted), 1, ...others)

it('the verdict finds nothing where all is as it was told, and records of a member that is gone come again', () => {
  expect(found()).toEqual({})
  expect(found((world) => (world.evidence = {}))).toEqual({})
})

it('the verdict lets an unknown record be there or not', () => {
  expect(found((world) => world.sends.splice(1, 1))).toEqual({})
  expect(found((world) => answer(world, 0, { outcome: 'unknown' }, { outcome: 'unknown' }))).toEqual({})
})

describe('of what was sent the verdict names, and nothing else,', () => {
  const drop =
    (...ranks: number[]) =>
    (world: World) => {
      // As it would be had they never been there: nobody read them either.
      const gone = new Set(ranks.map((rank) => of(0)[rank]!.id))
      const kept = <T extends { id: string }>(list: readonly T[]) => list.filter(({ id }) => !gone.has(id))
      world.direct = kept(world.direct)
      world.evidence.throughGateway = kept(direct)
      for (const list of [world.group, world.reader]) {
        list.forEach((draft, i) => {
          if (draft.f === 'poll')
            list[i] = { ...draft, records: draft.records.filter(([, id]) => !gone.has(id)) }
        })
      }
    }
  it.each<[string, Record<string, number>, (world: World) => void]>([
    ['a written unit that is not in the log', { lost: 2 }, drop(6, 7)],
    ['one of a unit that is not', { lost: 1, torn: 1 }, drop(6)],
    [
      'one said not to be written that is',
      { resurrected: 2 },
      (world) => answer(world, 4, { outcome: 'not_written' }, { outcome: 'not_written' }),
    ],
    [
      'one that is there twice',
      { duplicate: 1 },
      ({ direct, evidence, group, reader }) => {
        const again = { ...of(0)[3]!, offset: 20 }
        direct.push(again)
        evidence.throughGateway = direct
        evidence.committed = new Map([['run-g', new Map([['t/0', 21]])]])
        const had = (connection: string): Draft => ({
          ...(poll(connection, 0, 3, 4) as Draft & { f: 'poll' }),
          records: [[20, again.id, again.digest]],
        })
        const past = { topic: 't', partition: 0, offset: 21 }
        group.push(had('b#1'), { ...on('b#1'), f: 'acked', place: past })
        reader.push(had('reader#2'))
      },
    ],
    ['one that is at another offset', { inconsistent: 1 }, (world) => answer(world, 4, {}, { offset: 99 })],
    [
      'one that is in another partition',
      { inconsistent: 1 },
      (world) => answer(world, 4, {}, { partition: 1 }),
    ],
    [
      'two that changed places',
      { reordered: 1 },
      ({ sends }) => sends.splice(4, 4, ...[...sends.slice(6, 8), ...sends.slice(4, 6)]),
    ],
    ['one that nobody sent', { inconsistent: 2, lost: 0 }, ({ sends }) => sends.splice(8, 2)],
    [
      'one that is not as it was sent',
      { altered: 1 },
      ({ direct, evidence, group, reader }) => {
        direct[9] = { ...direct[9]!, digest: 'other' }
        evidence.throughGateway = direct
        for (const list of [group, reader]) {
          list.forEach((draft, i) => {
            if (draft.f !== 'poll') return
            const records = draft.records.map(
              ([at, id]) => [at, id, direct.find((one) => one.id === id)!.digest] as const,
            )
            list[i] = { ...draft, records }
          })
        }
      },
    ],
    [
      'an answer that took too long',
      { late: 1 },
      ({ sends }) => (sends[1] = { ...sends[1]!, longestMs: 12_000 } as Draft),
    ],
  ])('%s', (_, expected, change) => {
    expect(found(change)).toEqual(
      Object.fromEntries(Object.entries(expected).filter(([, count]) => count > 0)),
    )
  })
})

describe('of what was read in the end the verdict names, and nothing else,', () => {
  it.each<[string, Record<string, number>, LogRecord[]]>([
    ['a record that the gateway leaves out', { unseen: 1 }, direct.toSpliced(3, 1)],
    ['one that it has as another', { inconsistent: 1 }, direct.with(3, { ...direct[3]!, id: direct[4]!.id })],
    ['one with something else in it', { altered: 1 }, direct.with(3, { ...direct[3]!, digest: 'other' })],
    ['one that it invents', { inconsistent: 1 }, [...direct, { ...direct[3]!, offset: 99 }]],
  ])('%s', (_, expected, throughGateway) => {
    expect(found(({ evidence }) => (evidence.throughGateway = throughGateway))).toEqual(expected)
  })
})

describe('of a group the verdict names, and nothing else,', () => {
  const first = poll('b#1', 0, 4, 10)
  it.each<[string, Record<string, number>, (world: World) => void]>([
    ['records that never came', { unseen: 2 }, ({ group }) => replace(group, first, poll('b#1', 0, 4, 8))],
    [
      'a gap in what came',
      { unseen: 1, skipped: 1 },
      ({ group }) => replace(group, first, poll('b#1', 0, 4, 6), poll('b#1', 0, 7, 10)),
    ],
    [
      'a repeat on one connection',
      { disordered: 1 },
      ({ group }) => replace(group, first, poll('b#1', 0, 4, 6), poll('b#1', 0, 5, 10)),
    ],
    [
      'two runs that changed places',
      { skipped: 1, disordered: 1 },
      ({ group }) => replace(group, first, poll('b#1', 0, 7, 10), poll('b#1', 0, 4, 7)),
    ],
    [
      'another record at an offset',
      { inconsistent: 1 },
      ({ group }) => {
        const own = first as Draft & { f: 'poll' }
        const [, id, digest] = own.records[5]!
        replace(group, first, { ...own, records: [...own.records, [99, id, digest]] })
      },
    ],
    [
      'an owner that begins past what was acked',
      { skipped: 1, unseen: 2 },
      ({ group }) => {
        replace(group, first, poll('b#1', 0, 6, 10))
        replace(group, at('assigned', 'b#1', 0, 4), at('assigned', 'b#1', 0, 6))
      },
    ],
    [
      'an owner that begins before what was confirmed',
      { rewound: 1 },
      ({ group }) => {
        replace(group, first, poll('b#1', 0, 2, 10))
        replace(group, at('assigned', 'b#1', 0, 4), at('assigned', 'b#1', 0, 2))
      },
    ],
    [
      'a former owner whose ack is confirmed when another has begun',
      { double: 1 },
      ({ group }) => {
        replace(group, revoked('a#1', 0))
        replace(group, first, poll('a#1', 0, 4, 5), ...done('a#1', 0, 5), first)
      },
    ],
    [
      'records of a partition that was revoked',
      { disordered: 1 },
      ({ group }) => replace(group, first, poll('a#1', 0, 4, 5), first),
    ],
    [
      'records on a connection that has ended',
      { disordered: 1 },
      ({ group }) => group.push(poll('a#1', 1, 5, 6)),
    ],
    [
      'a partition assigned twice',
      { disordered: 1 },
      ({ group }) => replace(group, first, at('assigned', 'b#1', 0, 4), first),
    ],
    [
      'a commit of what was not acked',
      { unasked: 2 },
      ({ group }) => replace(group, at('acked', 'b#1', 0, 10)),
    ],
    ['a commit that goes back', { rewound: 1 }, ({ group }) => group.push(at('committed', 'b#1', 0, 9))],
    [
      'an end before what was confirmed',
      { rewound: 1, unkept: 1 },
      ({ evidence }) => (evidence.committed = committed(9, 10)),
    ],
    [
      'an ack that was never committed',
      { unkept: 1 },
      ({ group, evidence }) => {
        group.pop()
        evidence.committed = committed(10, 3)
      },
    ],
    [
      'an end past what was acked',
      { unasked: 1 },
      ({ group }) => {
        replace(group, at('acked', 'b#1', 1, 10), at('acked', 'b#1', 1, 9))
        group.pop()
      },
    ],
  ])('%s', (_, expected, change) => {
    expect(found(change)).toEqual(expected)
  })
})

describe('of a reader the verdict names, and nothing else,', () => {
  const second = poll('reader#2', 0, 4, 6)
  const told: Draft = { ...on('reader#2'), type: 'info', f: 'told', code: 'position_lost' }
  const jump = [at('assigned', 'reader#2', 0, 5), poll('reader#2', 0, 5, 6)]
  it.each<[string, Record<string, number>, (world: World) => void]>([
    ['records that never came', { unseen: 4 }, ({ reader }) => reader.pop()],
    ['a gap', { unseen: 2, skipped: 1 }, ({ reader }) => replace(reader, second)],
    ['a repeat', { disordered: 1 }, ({ reader }) => replace(reader, second, poll('reader#2', 0, 4, 7))],
    [
      'a resume past what it had',
      { unseen: 1, skipped: 2 },
      ({ reader }) => {
        replace(reader, at('assigned', 'reader#2', 0, 4), jump[0]!)
        replace(reader, second, jump[1]!)
      },
    ],
    [
      'no skip where it was told of it',
      { unseen: 1 },
      ({ reader }) => {
        replace(reader, at('assigned', 'reader#2', 0, 4), told, jump[0]!)
        replace(reader, second, jump[1]!)
      },
    ],
    [
      'a resume before what it had',
      { disordered: 1 },
      ({ reader }) => replace(reader, at('assigned', 'reader#2', 0, 4), at('assigned', 'reader#2', 0, 3)),
    ],
    [
      'records of a topic that it may not read',
      { leaked: 4 },
      ({ evidence }) => (evidence.forbidden = { reader: ['t'] }),
    ],
  ])('%s', (_, expected, change) => {
    expect(found(change)).toEqual(expected)
  })
})

describe('of progress the verdict names', () => {
  const fault = (began: number, at: number): HistoryEvent => {
    return { at, client: 'nemesis', type: 'info', f: 'fault', name: 'a fault', began }
  }
  const ok = (from: number, to: number): HistoryEvent[] => [
    { at: from, client: 'w', type: 'invoke', f: 'send', op: from, route: 'r', records: [] },
    { at: to, client: 'w', type: 'ok', f: 'send', op: from, results: [], longestMs: 5 },
  ]
  const counts = (...history: HistoryEvent[]) => {
    return check({ history, direct: [], deadlines: { answerMs: 1_000, progressMs: 100 } }).counts
  }

  it('a route that did not write again in time after a fault was over', () => {
    expect(counts(...ok(0, 5), fault(10, 20), ...ok(30, 110), ...ok(400, 405))).toEqual({})
    expect(counts(...ok(0, 5), fault(10, 20), ...ok(30, 130), ...ok(400, 405))).toEqual({ stuck: 1 })
  })

  it('a route that never wrote anything, for a run without an ok proves nothing', () => {
    expect(counts(ok(0, 5)[0]!)).toEqual({ stuck: 1 })
  })

  it('no answer as late that a gateway which stood still could not give', () => {
    const late = ok(0, 2_000).map((event) => ('longestMs' in event ? { ...event, longestMs: 2_000 } : event))
    expect(counts(...late)).toEqual({ late: 1 })
    expect(counts(...late, { ...fault(500, 1_950), isGateway: true } as HistoryEvent)).toEqual({})
  })
})
