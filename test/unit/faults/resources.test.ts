import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../faults/random.ts'
import { judgeSeries } from '../../../faults/resources/judge-series.ts'
import type { Sample } from '../../../faults/resources/sample.ts'
import { theilSenSlope } from '../../../faults/resources/theil-sen.ts'

describe('the slope of Theil and Sen', () => {
  it('is that of a line', () => expect(theilSenSlope([[0, 1], [2, 5], [3, 7]])).toBe(2)) // prettier-ignore

  it('is not moved by some outliers', () => {
    const points = Array.from({ length: 30 }, (_, x): [number, number] => [x, x % 7 === 3 ? 1_000 : x / 2])
    expect(theilSenSlope(points)).toBeCloseTo(0.5, 1)
  })

  it('is no number where there are not two points', () => expect(theilSenSlope([[1, 1]])).toBeNaN())
})

/** Thirty minutes, a sample each ten seconds, with what a collector makes of memory: noise, up to a tenth. */
function series(of: (minute: number) => Partial<Sample>, minutes = 30) {
  const random = seededRandom(1)
  const samples = Array.from({ length: minutes * 6 }, (_, i): Sample => {
    const noise = () => 1 + (random() - 0.5) / 5
    const { rssMb = 200, oldSpaceMb = 60, externalMb = 20, fds = 90, handles = 60 } = of(i / 6)
    return {
      at: i * 10_000,
      rssMb: rssMb * noise(),
      oldSpaceMb: (oldSpaceMb ?? 0) * noise(),
      externalMb: (externalMb ?? 0) * noise(),
      fds: Math.round(fds * noise()),
      handles: Math.round((handles ?? 0) * noise()),
      open: undefined,
    }
  })
  return { name: 'g', samples }
}
const found = (...args: Parameters<typeof judgeSeries>) =>
  judgeSeries(...args).broken.map((sentence) => /^memory: (\w+) of g rises/.exec(sentence)?.[1] ?? sentence)

describe('what a process has of memory and handles', () => {
  it.each<[string, (minute: number) => Partial<Sample>]>([
    ['stays the same', () => ({})],
    [
      'is taken while it warms up',
      (minute) => ({ rssMb: 100 + 100 * Math.min(1, minute / 5), fds: 20 + 70 * Math.min(1, minute / 3) }),
    ],
    [
      'comes and goes',
      (minute) => ({ oldSpaceMb: 60 + 25 * Math.sin(minute * 3), fds: 90 + 30 * Math.sin(minute * 5) }),
    ],
    ['falls', (minute) => ({ rssMb: 260 - 2 * minute })],
    [
      'is high for some minutes in the midst',
      (minute) => (minute > 12 && minute < 18 ? { rssMb: 400, fds: 400 } : {}),
    ],
  ])('is fine where it %s', (_, of) => {
    expect(found(series(of))).toEqual([])
    expect(judgeSeries(series(of)).row.verdict).toBe('steady')
  })

  it.each<[string, (minute: number) => Partial<Sample>]>([
    ['rssMb', (minute) => ({ rssMb: 200 + 3 * minute })],
    ['oldSpaceMb', (minute) => ({ oldSpaceMb: 60 + 1.5 * minute })],
    ['externalMb', (minute) => ({ externalMb: 20 + 1.5 * minute })],
    ['fds', (minute) => ({ fds: 90 + 2 * minute })],
    ['handles', (minute) => ({ handles: 60 + 2 * minute })],
  ])('is a leak where %s rises all the time', (measure, of) => {
    expect(found(series(of))).toEqual([measure])
    expect(judgeSeries(series(of)).row.verdict).toBe('grows')
  })

  it('is a leak also where a step up every minute is all there is', () => {
    expect(found(series((minute) => ({ fds: 90 + 3 * Math.floor(minute) })))).toEqual(['fds'])
  })

  it('says nothing of slopes where it was looked at for some minutes', () => {
    const short = judgeSeries(series((minute) => ({ rssMb: 200 + 20 * minute }), 10))
    expect(short).toMatchObject({ broken: [], row: { verdict: 'too short for slopes', rssPerMinute: '' } })
  })

  it('is held to a bound at any time, of 512 MB where no other is given', () => {
    expect(found(series((minute) => (minute === 2 ? { rssMb: 700 } : {})))).toHaveLength(1)
    expect(
      found(
        series((minute) => (minute === 2 ? { rssMb: 900 } : {})),
        600,
      ),
    ).toHaveLength(1)
  })
})
