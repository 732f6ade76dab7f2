import { describe, expect, it } from 'vitest'
import { Problem } from '../../../src/problems/problem.ts'
import { completeSubscription, subscriptionFromQuery } from '../../../src/ws/subscription-options.ts'

const grace = { graceMs: 0, maxGraceMs: 60_000 }

function fromUrl(query: string): unknown {
  try {
    return subscriptionFromQuery(new URLSearchParams(query), grace)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return { code: error.code, errors: error.options.errors?.map(({ parameter }) => parameter) }
  }
}

const defaults = {
  topics: ['orders'],
  group: undefined,
  from: { kind: 'latest' },
  cursor: undefined,
  ack: 'auto',
  format: 'auto',
  isolation: 'read_uncommitted',
  graceMs: 0,
  resume: undefined,
}

describe('a subscription in the URL', () => {
  it('is none where there is no query', () => {
    expect(fromUrl('')).toBeUndefined()
  })

  it('has the defaults of Kafka’s own consumers', () => {
    expect(fromUrl('topics=orders')).toEqual(defaults)
  })

  it('takes every member', () => {
    const query =
      'topics=orders,refunds&group=billing&from=-5&ack=client&format=text&isolation=read_committed'
    expect(fromUrl(query)).toEqual({
      topics: ['orders', 'refunds'],
      group: 'billing',
      from: { kind: 'last', count: 5 },
      cursor: undefined,
      ack: 'client',
      format: 'text',
      isolation: 'read_committed',
      graceMs: 0,
      resume: undefined,
    })
  })

  it.each([
    ['earliest', { kind: 'earliest' }],
    ['latest', { kind: 'latest' }],
    ['-10', { kind: 'last', count: 10 }],
    ['42', { kind: 'offset', offset: 42 }],
    ['@1700000000000', { kind: 'time', timestamp: 1_700_000_000_000 }],
    ['2026-01-01T00:00:00Z', { kind: 'time', timestamp: 1_767_225_600_000 }],
    ['2026-01-01T02:00:00%2B02:00', { kind: 'time', timestamp: 1_767_225_600_000 }],
  ])('takes from=%s', (from, expected) => {
    expect(fromUrl(`topics=orders&from=${from}`)).toEqual({ ...defaults, from: expected })
  })

  it.each([
    ['group=billing', ['topics']],
    ['topics=orders&topics=refunds', ['topics']],
    ['topics=orders,orders', ['topics']],
    [`topics=${Array.from({ length: 51 }, (_, i) => `t${i}`).join()}`, ['topics']],
    ['topics=orders&colour=red', ['colour']],
    ['topics=orders&group=', ['group']],
    [`topics=orders&group=${'g'.repeat(256)}`, ['group']],
    ['topics=orders&from=yesterday', ['from']],
    ['topics=orders&from=9007199254740992', ['from']],
    ['topics=orders&from=1e3', ['from']],
    ['topics=orders&from=-0', ['from']],
    ['topics=orders&from=2026-01-01T00:00:00', ['from']],
    ['topics=orders&group=g&ack=never', ['ack']],
    ['topics=orders&ack=client', ['ack']],
    ['topics=orders&format=xml', ['format']],
    ['topics=orders&isolation=serializable', ['isolation']],
    ['topics=orders&cursor=x&from=earliest', ['cursor']],
    ['topics=orders&cursor=x&group=g', ['cursor']],
    [`topics=orders&cursor=${'x'.repeat(16_385)}`, ['cursor']],
    ['topics=orders&__proto__=x', ['__proto__']],
    ...['-1', '1.5', '1e3', '', 'all', '100001', '9'.repeat(40)].map((window): [string, string[]] => [
      `topics=orders&window=${window}`,
      ['window'],
    ]),
    ...['0', '-1', '1.5', '', '1073741825'].map((bytes): [string, string[]] => [
      `topics=orders&windowBytes=${bytes}`,
      ['windowBytes'],
    ]),
    ['topics=orders&window=0&windowBytes=5', ['windowBytes']],
  ])('refuses %.60s and names what is wrong', (query, errors) => {
    expect(fromUrl(query)).toEqual({ code: 'invalid_subscription', errors })
  })

  it('takes a window of records, of bytes, of both', () => {
    expect(fromUrl('topics=orders&window=0')).toMatchObject({ window: 0, windowBytes: undefined })
    expect(fromUrl('topics=orders&window=100000&windowBytes=1073741824')).toMatchObject({
      window: 100_000,
      windowBytes: 1_073_741_824,
    })
  })

  it('names everything that is wrong at once', () => {
    expect(fromUrl('topics=orders,orders&cursor=x&group=g&from=never')).toEqual({
      code: 'invalid_subscription',
      errors: ['topics', 'cursor', 'cursor', 'from'],
    })
  })

  it.each([
    ['', 'invalid_topic_name'],
    ['..', 'invalid_topic_name'],
    ['a/b', 'invalid_topic_name'],
    ['a,', 'invalid_topic_name'],
    ['ordérs', 'invalid_topic_name'],
    ['**', 'invalid_topic_name'],
    ['lo*gs', 'invalid_topic_name'],
    ['*logs', 'invalid_topic_name'],
    ['lo/*', 'invalid_topic_name'],
    [`${'a'.repeat(249)}*`, 'invalid_topic_name'],
    ['a'.repeat(250), 'invalid_topic_name'],
    ['__consumer_offsets', 'internal_topic'],
    ['orders,__transaction_state', 'internal_topic'],
  ])('refuses topics=%.20s with the problem of its own', (topics, code) => {
    expect(fromUrl(`topics=${encodeURIComponent(topics)}`)).toMatchObject({ code })
  })
})

describe('a subscription', () => {
  it.each(['*', 'logs-*', 'orders,logs-*,a.*', '__*', '.*'])('may read by pattern: %s', (topics) => {
    expect(fromUrl(`topics=${topics}`)).toMatchObject({ topics: topics.split(',') })
  })

  it.each(['partition=0', 'until=5'])('by pattern can have no %s', (query) => {
    expect(fromUrl(`topics=logs-*&${query}`)).toMatchObject({ code: 'invalid_subscription' })
  })

  const grace = { graceMs: 0, maxGraceMs: 0 }
  const at = (topic: string, partition = 0) => ({ topic, partition, offset: 5 })

  it('may start anywhere in each partition', () => {
    const positions = [at('a'), at('a', 1), at('logs-1')]
    expect(completeSubscription({ topics: ['a', 'logs-*'], positions }, grace).positions).toEqual(
      new Map([
        ['a', new Map([0, 1].map((partition) => [partition, 5]))],
        ['logs-1', new Map([[0, 5]])],
      ]),
    )
  })

  it.each([
    ['with a cursor', { cursor: 'x' }, [at('a')]],
    ['in a group', { group: 'g' }, [at('a')]],
    ['with one partition alone', { partition: 0 }, [at('a')]],
    ['twice in one partition', {}, [at('a'), at('a')]],
    ['in a topic it does not read', {}, [at('b')]],
  ])('may not say so %s', (_, members, positions) => {
    expect(() => completeSubscription({ topics: ['a', 'c*'], positions, ...members }, grace)).toThrow(
      'positions: ',
    )
  })
})

describe('a subscription that comes back', () => {
  it('keeps its place for as long as it says, or as the gateway does', () => {
    expect(fromUrl('topics=a&group=g&grace=1500')).toMatchObject({ graceMs: 1_500 })
    const usual = { graceMs: 2_000, maxGraceMs: 60_000 }
    expect(completeSubscription({ topics: ['a'], group: 'g' }, usual)).toMatchObject({ graceMs: 2_000 })
    expect(completeSubscription({ topics: ['a'], group: 'g', grace: 0 }, usual)).toMatchObject({ graceMs: 0 })
  })

  it('says with its token alone what it reads', () => {
    expect(fromUrl('resume=abc&ack=client')).toMatchObject({
      topics: [],
      group: undefined,
      resume: 'abc',
      graceMs: undefined,
    })
  })

  it.each([
    ['topics=a&group=g&grace=60001', ['grace']],
    ['topics=a&group=g&grace=-1', ['grace']],
    ['topics=a&group=g&grace=1.5', ['grace']],
    ['topics=a&group=g&grace=1e3', ['grace']],
    ['topics=a&grace=1', ['grace']],
    ['resume=abc&grace=0', ['grace']],
    ['resume=abc&cursor=x', ['cursor']],
    ['grace=1', ['topics', 'grace']],
    ['resume=a&resume=b', ['resume']],
  ])('refuses %s', (query, errors) => {
    expect(fromUrl(query)).toEqual({ code: 'invalid_subscription', errors })
  })
})

describe('a subscription to a part', () => {
  it('says which, as a read over HTTP does', () => {
    expect(fromUrl('topics=a&partition=2&until=@5&limit=3&key=k&header=x:1&header=y:2')).toMatchObject({
      partition: 2,
      until: { kind: 'time', timestamp: 5 },
      limit: 3,
      filter: expect.any(Function) as unknown,
    })
    expect(fromUrl('topics=a')).toMatchObject({ until: undefined, limit: undefined, filter: undefined })
  })

  it.each([
    ['topics=a&until=-1', ['until']],
    ['topics=a&until=earliest', ['until']],
    ['topics=a&limit=0', ['limit']],
    ['topics=a&limit=x', ['limit']],
    ['topics=a,b&partition=0', ['partition']],
    ['topics=a&partition=-1', ['partition']],
    ['topics=a&header=x', ['header']],
    ['topics=a&key=a&key=b', ['key']],
    ['topics=a&key=a&window=5', ['key']],
    ['topics=a&header=a:b&windowBytes=5', ['header']],
    [
      'topics=a&group=g&until=latest&limit=1&key=k&header=a:b&partition=0',
      ['partition', 'until', 'limit', 'key', 'header'],
    ],
  ])('refuses %s', (query, errors) => {
    expect(fromUrl(query)).toEqual({ code: 'invalid_subscription', errors })
  })
})

describe('a subscription in the first frame', () => {
  it('means the same as in the URL', () => {
    const frame = { topics: ['orders'], group: 'billing', from: 'earliest', ack: 'client' as const }
    const url = 'topics=orders&group=billing&from=earliest&ack=client'
    expect(completeSubscription(frame, grace)).toEqual(fromUrl(url))
  })
})
