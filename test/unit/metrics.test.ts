import { describe, expect, it } from 'vitest'
import { metrics, type MetricRow } from '../../src/metrics/catalog.ts'
import { GroupLags } from '../../src/metrics/group-lags.ts'
import { Histogram } from '../../src/metrics/histogram.ts'
import { createRegistry } from '../../src/metrics/registry.ts'
import type { Readings } from '../../src/metrics/readings.ts'
import { TopicTraffic } from '../../src/metrics/topic-traffic.ts'
import { Exposition } from '../support/exposition.ts'

describe('Histogram', () => {
  it('counts a value in every bucket whose bound it does not pass, and in the last whatever it is', () => {
    const histogram = new Histogram([1, 5])
    for (const value of [0.5, 1, 1.5, 5, 6]) histogram.observe(value)
    expect([...histogram.cumulative()]).toEqual([
      [1, 2],
      [5, 4],
      [Infinity, 5],
    ])
    expect([histogram.sum, histogram.count]).toEqual([14, 5])
  })

  it('is written as Prometheus reads it', async () => {
    const histogram = new Histogram([1, 5])
    histogram.observe(3)
    const none = () => []
    const readings = Object.fromEntries(Object.keys(metrics).map((name) => [name, none]))
    const api = 'a"b\\c\nd'
    const registry = createRegistry({
      ...readings,
      sluice_kafka_request_duration_seconds: () => [[[api], histogram]],
    } as unknown as Readings)
    const found = new Exposition(await registry.metrics())
    const name = 'sluice_kafka_request_duration_seconds'
    expect(found.types.get(name)).toBe('histogram')
    const label = 'api="a\\"b\\\\c\\nd"'
    expect([...found.samples].filter(([key]) => key.startsWith(name))).toEqual([
      [`${name}_bucket{le="1",${label}}`, 0],
      [`${name}_bucket{le="5",${label}}`, 1],
      [`${name}_bucket{le="+Inf",${label}}`, 1],
      [`${name}_sum{${label}}`, 3],
      [`${name}_count{${label}}`, 1],
    ])
  })
})

describe('the names of the metrics', () => {
  it.each(Object.entries<MetricRow>(metrics))('follow what Prometheus asks for: %s', (name, { type }) => {
    expect(name).toMatch(/^sluice_[a-z]+(_[a-z]+)*$/)
    expect(name.endsWith('_total')).toBe(type === 'counter')
    expect(name).not.toMatch(/_(ms|milliseconds|kb|megabytes)(_|$)/)
  })
})

describe('names that come from clients', () => {
  it('make no more rows than they may, however many there are', () => {
    const traffic = new TopicTraffic(2)
    const record = { key: null, value: Buffer.from('ab') }
    for (let n = 0; n < 1_000; n++) traffic.produced(`t${n}`, [record], [{ outcome: 'written' }])
    expect([...traffic.entries()].map(([topic, { written }]) => [topic, written])).toEqual([
      ['t0', 1],
      ['t1', 1],
      ['other', 998],
    ])
    const lags = new GroupLags(1)
    const members = Array.from({ length: 50 }, (_, n) => lags.join(`g${n}`))
    for (const [n, member] of members.entries()) {
      member.read({ topic: `t${n}`, partition: 0, nextOffset: 1, end: 3 })
    }
    expect(lags.sums()).toEqual([
      { group: 'g0', topic: 't0', records: 2 },
      { group: 'other', topic: 'other', records: 98 },
    ])
    for (const member of members) lags.leave(member)
    expect(lags.sums()).toEqual([])
  })
})
