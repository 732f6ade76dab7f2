import { describe, expect, it } from 'vitest'
import { figuresOf } from '../../../soak/consume/figures.ts'
import { type PartitionLog, runsOf, type Seen, type Sight } from '../../../soak/consume/history.ts'
import { judgeGroup, judgeReader, type Verdict } from '../../../soak/consume/verdict.ts'

const log: PartitionLog = [0, 1].map((partition) =>
  Array.from({ length: 10 }, (_, n) => ({ value: partition * 100 + n, timestamp: n * 10 })),
)
const records = (partition: number, from: number, to: number): Sight => ({
  kind: 'records',
  partition,
  offset: from,
  values: log[partition]!.slice(from, to).map(({ value }) => value),
})
const at = (kind: 'assigned' | 'acked' | 'committed', partition: number, offset: number): Sight => {
  return { kind, partition, offset }
}
const seen = (connection: string, ...sights: Sight[]): Seen[] =>
  sights.map((sight, n) => ({ ...sight, at: n * 10 + 100, client: connection[0]!, connection }))

/** Member a has both partitions and gives the first up to b; then its socket ends, and b has the other too. */
const group: readonly Seen[] = [
  ...seen('a1', at('assigned', 0, 0), at('assigned', 1, 0), records(0, 0, 4), records(1, 0, 5)),
  ...seen('a1', at('acked', 0, 4), at('committed', 0, 4), { kind: 'revoked', partition: 0 }),
  ...seen('b1', at('assigned', 0, 4), records(0, 4, 10), at('acked', 0, 10), at('committed', 0, 10)),
  ...seen('a1', at('acked', 1, 5), at('committed', 1, 3), { kind: 'closed' }),
  ...seen('b1', at('assigned', 1, 3), records(1, 3, 10), at('acked', 1, 10), at('committed', 1, 10)),
]
const reader: readonly Seen[] = [
  ...seen('r1', at('assigned', 0, 0), at('assigned', 1, 0), records(0, 0, 4), records(1, 0, 10)),
  ...seen('r1', { kind: 'closed' }),
  ...seen('r2', at('assigned', 0, 4), at('assigned', 1, 10), records(0, 4, 6), records(0, 6, 10)),
]

function found({ faults, broken }: Verdict): Record<string, number> {
  const named = Object.fromEntries(Object.entries(faults).filter(([, count]) => count > 0))
  expect(broken.length > 0).toBe(Object.keys(named).length > 0)
  return named
}

/** The history with some of it left out, and others put before what comes then. */
function changed(history: readonly Seen[], from: number, count: number, ...others: Seen[]): Seen[] {
  return history.toSpliced(from, count, ...others)
}
const index = (history: readonly Seen[], connection: string, sight: Sight) => {
  const plain = ({ at: _at, client: _client, ...rest }: Seen) => JSON.stringify(rest)
  const [wanted] = seen(connection, sight)
  const found = history.findIndex((one) => plain(one) === plain(wanted!))
  expect(found, 'is in the history').toBeGreaterThanOrEqual(0)
  return found
}

describe('the verdict on a group', () => {
  const first = index(group, 'b1', records(0, 4, 10))
  const handed = index(group, 'b1', at('assigned', 0, 4))
  const confirmed = index(group, 'b1', at('committed', 0, 10))
  const resumed = index(group, 'b1', at('assigned', 1, 3))

  it('finds nothing where all is well, and records of a member that is gone come again', () => {
    expect(found(judgeGroup(group, log, [10, 10]))).toEqual({})
    expect(found(judgeGroup(group, log))).toEqual({})
  })

  it.each<[string, Record<string, number>, Seen[], number[]?]>([
    ['records that never came', { lost: 2 }, changed(group, first, 1, ...seen('b1', records(0, 4, 8)))],
    [
      'a gap in what came',
      { lost: 1, skipped: 1 },
      changed(group, first, 1, ...seen('b1', records(0, 4, 6), records(0, 7, 10))),
    ],
    [
      'a repeat on one connection',
      { disordered: 1 },
      changed(group, first, 1, ...seen('b1', records(0, 4, 6), records(0, 5, 10))),
    ],
    [
      'two runs that changed places',
      { skipped: 1, disordered: 1 },
      changed(group, first, 1, ...seen('b1', records(0, 7, 10), records(0, 4, 7))),
    ],
    [
      'another value',
      { altered: 1, lost: 1 },
      changed(
        group,
        first,
        1,
        ...seen('b1', { kind: 'records', partition: 0, offset: 4, values: [4, 5, 6, 6, 8, 9] }),
      ),
    ],
    [
      'a record past the log’s end',
      { altered: 1 },
      changed(
        group,
        confirmed,
        0,
        ...seen('b1', { kind: 'records', partition: 0, offset: 10, values: [10] }),
      ),
    ],
    [
      'an owner that begins past what was acked',
      { skipped: 1, lost: 2 },
      [
        ...changed(group, first, 1, ...seen('b1', records(0, 6, 10))).with(
          handed,
          seen('b1', at('assigned', 0, 6))[0]!,
        ),
      ],
    ],
    [
      'an owner that begins before what was confirmed',
      { rewound: 1 },
      group.with(handed, seen('b1', at('assigned', 0, 2))[0]!).with(first, seen('b1', records(0, 2, 10))[0]!),
    ],
    [
      'a former owner whose ack is confirmed when another has begun',
      { double: 1 },
      changed(
        group.toSpliced(index(group, 'a1', { kind: 'revoked', partition: 0 }), 1),
        first,
        0,
        ...seen('a1', records(0, 4, 5), at('acked', 0, 5), at('committed', 0, 5)),
      ),
    ],
    [
      'records of a partition that was revoked',
      { disordered: 1 },
      changed(group, first, 0, ...seen('a1', records(0, 4, 5))),
    ],
    [
      'records on a connection that has ended',
      { disordered: 1 },
      changed(group, resumed, 0, ...seen('a1', records(1, 5, 6))),
    ],
    [
      'a partition assigned twice',
      { disordered: 1 },
      changed(group, handed, 0, ...seen('b1', at('assigned', 0, 4))),
    ],
    ['a commit of what was not acked', { unasked: 1 }, changed(group, confirmed - 1, 1)],
    [
      'a commit that goes back',
      { rewound: 1 },
      changed(group, confirmed + 1, 0, ...seen('b1', at('committed', 0, 9))),
    ],
    ['an end before what was confirmed', { rewound: 1, unkept: 1 }, [...group], [9, 10]],
    ['an ack that was never committed', { unkept: 1 }, changed(group, group.length - 1, 1), [10, 3]],
    ['an end past what was acked', { unasked: 1 }, [...group], [10, 11]],
  ])('names %s, and nothing else', (_, expected, history, committed) => {
    expect(found(judgeGroup(history, log, committed))).toEqual(expected)
  })
})

describe('the verdict on a reader', () => {
  const second = index(reader, 'r2', records(0, 4, 6))

  it('finds nothing where all is well', () => expect(found(judgeReader(reader, log))).toEqual({}))

  it.each<[string, Record<string, number>, Seen[]]>([
    ['records that never came', { lost: 4 }, reader.slice(0, -1)],
    ['a gap', { lost: 2, skipped: 1 }, changed(reader, second, 1)],
    ['a repeat', { disordered: 1 }, changed(reader, second, 1, ...seen('r2', records(0, 4, 7)))],
    [
      'a resume past what it had, which it is told',
      { lost: 1, skipped: 2 },
      changed(
        reader,
        second - 2,
        3,
        ...seen('r2', at('assigned', 0, 5), at('assigned', 1, 10), records(0, 5, 6)),
      ),
    ],
    [
      'a resume before what it had',
      { disordered: 1 },
      changed(reader, second - 2, 1, ...seen('r2', at('assigned', 0, 3))),
    ],
    ['nothing at all', { lost: 20 }, []],
  ])('names %s, and nothing else', (_, expected, history) => {
    expect(found(judgeReader(history, log))).toEqual(expected)
  })
})

it('the runs of a batch are what is consecutive in it', () => {
  const of = (partition: number, ...offsets: number[]) =>
    offsets.map((offset) => ({ partition, offset, value: String(offset) }))
  expect(runsOf([...of(0, 1, 2, 3), ...of(1, 4), ...of(0, 4, 6)])).toEqual([
    { kind: 'records', partition: 0, offset: 1, values: [1, 2, 3] },
    { kind: 'records', partition: 1, offset: 4, values: [4] },
    { kind: 'records', partition: 0, offset: 4, values: [4] },
    { kind: 'records', partition: 0, offset: 6, values: [6] },
  ])
})

it('figures count repeats, delays of what came first, and how late reading resumed', () => {
  const figures = figuresOf([group, reader], log, [45])
  expect(figures).toMatchObject({ delivered: 42, repeated: 2 })
  // Written at 0, had at 130; and written at 90, had at 110.
  expect(figures.max).toBe(130)
  expect(figures.resumed).toBeGreaterThan(0)
})
