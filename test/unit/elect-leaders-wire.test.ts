import { Reader } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { electLeaders, electPreferredLeaders, ElectionType } from '../../src/kafka/wire/reassignment-apis.ts'

type Send = (
  key: number,
  version: number,
  write: () => { buffer: Buffer },
  read: Read,
  ...rest: unknown[]
) => void
type Read = (correlationId: number, key: number, version: number, reader: Reader) => unknown

/** What a version sends, and what it makes of an answer. */
function exchange(version: number, answer: string) {
  const api = electPreferredLeaders.versions.find((v) => v.version === version)!
  let sent = ''
  let parsed: unknown
  const send: Send = (_key, _version, write, read) => {
    sent = write().buffer.toString('hex')
    parsed = read(1, 43, version, Reader.from(Buffer.from(answer, 'hex')))
  }
  const topics = [{ name: 'ab', partitions: [1, 2] }]
  api({ send } as never, ElectionType.unclean, topics, 16, () => {})
  return { sent, parsed }
}

// By hand from ElectLeadersRequest.json and ElectLeadersResponse.json of Kafka 4.3.
const plainTopics = '00000001' + '00026162' + '00000002' + '00000001' + '00000002'
const plainResult = '00000001' + '00026162' + '00000001' + '00000002' + '0054' + '00026e6f'
const result = { name: 'ab', partitions: [{ partitionIndex: 2, errorCode: 84, errorMessage: 'no' }] }

describe('ElectLeaders', () => {
  it('writes and reads version 0, which has no election type', () => {
    const { sent, parsed } = exchange(0, `00000000${plainResult}`)
    expect(sent).toBe(`${plainTopics}00000010`)
    expect(parsed).toEqual({ errorCode: 0, results: [result] })
  })

  it('writes and reads version 1', () => {
    const { sent, parsed } = exchange(1, `000000000029${plainResult}`)
    expect(sent).toBe(`01${plainTopics}00000010`)
    expect(parsed).toEqual({ errorCode: 41, results: [result] })
  })

  it('writes and reads version 2, with compact lengths and tagged fields', () => {
    const compact = '02' + '036162' + '02' + '00000002' + '0054' + '036e6f' + '00' + '00' + '00'
    const { sent, parsed } = exchange(2, `000000000029${compact}`)
    expect(sent).toBe('01' + '02' + '036162' + '03' + '00000001' + '00000002' + '00' + '00000010' + '00')
    expect(parsed).toEqual({ errorCode: 41, results: [result] })
  })

  it('takes version 0 for the preferred election alone', () => {
    expect(electLeaders.versions.map(({ version }) => version)).toEqual([2, 1])
  })
})
