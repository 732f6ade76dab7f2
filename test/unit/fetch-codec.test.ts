import { type Connection, Reader, type Writer } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { fetch, type FetchAnswer } from '../../src/kafka/wire/fetch.ts'

const topicId = '00112233-4455-6677-8899-aabbccddeeff'
const request = {
  maxWaitMs: 150,
  maxBytes: 1_048_576,
  isolation: 'read_committed',
  topics: [
    {
      topicId,
      partitions: [{ partition: 3, leaderEpoch: 7, offset: 9_007_199_254_740_991, maxBytes: 65_536 }],
    },
  ],
} as const

type Send = (
  key: number,
  version: number,
  payload: () => Writer,
  parse: (id: number, key: number, version: number, reader: Reader) => FetchAnswer,
) => void

/** Makes one call on a connection that shows what would be sent, and answers with `answer`. */
function call(version: number, answer = '') {
  const api = fetch.versions.find((v) => v.version === version)!
  let sent = ''
  let parsed: FetchAnswer | undefined
  const send: Send = (key, sentVersion, payload, parse) => {
    expect([key, sentVersion]).toEqual([1, version])
    sent = payload().buffer.toString('hex')
    if (answer !== '') parsed = parse(1, key, version, Reader.from(Buffer.from(answer, 'hex')))
  }
  api({ send } as unknown as Connection, request, () => {})
  return { sent, parsed: parsed! }
}

const id = topicId.replaceAll('-', '')
// min bytes 1, max bytes, isolation 1, session 0, epoch -1, one topic, one partition, none forgotten, no rack
const body =
  `00000096${'00000001'}${'00100000'}01${'00000000'}${'ffffffff'}` +
  `02${id}02${'00000003'}${'00000007'}001fffffffffffff${'ffffffff'}ffffffffffffffff${'00010000'}00` +
  '00' +
  '010100'

describe('Fetch', () => {
  it('writes each version as the protocol says: a replica id below 15, none from there on', () => {
    for (const version of [13, 14]) expect(call(version).sent).toBe(`ffffffff${body}`)
    for (const version of [15, 16, 17]) expect(call(version).sent).toBe(body)
  })

  it('reads a partition with an error code like any other, with its tagged fields known and unknown', () => {
    const none = 'ffffffffffffffff'
    const leader = '01' + '08' + '00000002' + '00000009' // tag 1, 8 bytes: leader 2, epoch 9
    const unknown = '05' + '02' + 'abcd'
    const partition = (
      number: string,
      error: string,
      offsets: string,
      aborted: string,
      records: string,
      tags: string,
    ) => `${number}${error}${offsets}${aborted}ffffffff${records}${tags}`
    const answer =
      `00000000${'0000'}${'00000000'}02${id}03` +
      partition('00000000', '0006', none.repeat(3), '00', '00', `02${leader}${unknown}`) +
      partition(
        '00000001',
        '0000',
        '000000000000000a' + '0000000000000009' + '0000000000000001',
        `02${'0000000000000005'}${'0000000000000002'}00`,
        '04aabbcc',
        '00',
      ) +
      '0000'
    expect(call(17, answer).parsed).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      partitions: [
        {
          topicId,
          partition: 0,
          errorCode: 6,
          highWatermark: -1,
          lastStableOffset: -1,
          logStartOffset: -1,
          abortedTransactions: null,
          currentLeader: { leaderId: 2, leaderEpoch: 9 },
          records: null,
        },
        {
          topicId,
          partition: 1,
          errorCode: 0,
          highWatermark: 10,
          lastStableOffset: 9,
          logStartOffset: 1,
          abortedTransactions: [{ producerId: 5n, firstOffset: 2 }],
          currentLeader: undefined,
          records: Buffer.from('aabbcc', 'hex'),
        },
      ],
    })
  })

  it('refuses an answer with an offset past 2^53-1 rather than round it', () => {
    const answer = `00000000${'0000'}${'00000000'}02${id}02${'00000000'}${'0000'}0020000000000000`
    expect(() => call(17, answer)).toThrow('9007199254740992 lies past 2^53-1')
  })
})
