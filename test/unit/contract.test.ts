import { describe, expect, it } from 'vitest'
import { breaches } from '../support/contract.ts'

const json = { 'content-type': 'application/json', 'x-request-id': 'r1' }
const problem = { 'content-type': 'application/problem+json', 'x-request-id': 'r1' }

function answer(status: number, headers: Record<string, string>, body: unknown, pathname = '/v1/topics') {
  return {
    method: 'GET',
    pathname,
    status,
    headers: new Headers(headers),
    bytes: Buffer.from(JSON.stringify(body)),
  }
}

const notFound = {
  type: '/problems/topic_not_found',
  title: 'No such topic',
  status: 404,
  detail: '-',
  instance: 'r1',
  code: 'topic_not_found',
  retryable: false,
}

const topic = { name: 'a', partitions: 1, replicationFactor: 1, underReplicated: 0, internal: false }

describe('the check of every answer against openapi.yaml', () => {
  it('passes an answer that keeps it', () => {
    expect(breaches(answer(200, json, { topics: [topic], next: null }))).toEqual([])
    expect(breaches(answer(404, problem, notFound, '/v1/topics/none'))).toEqual([])
  })

  it.each([
    ['a member of another type', answer(200, json, { topics: [{ ...topic, partitions: '1' }], next: null })],
    ['a member too many', answer(200, json, { topics: [], next: null, more: true })],
    ['a member too few', answer(200, json, {})],
    ['a status that is not documented', answer(202, json, { topics: [] })],
    ['another type', answer(200, { ...json, 'content-type': 'text/plain' }, { topics: [] })],
    ['no request id', answer(200, { 'content-type': 'application/json' }, { topics: [] })],
    ['a path the contract does not have', answer(200, json, {}, '/v1/nothing')],
    [
      'a code that is not in the table',
      answer(404, problem, { ...notFound, code: 'gone' }, '/v1/topics/none'),
    ],
    ['a status that its body denies', answer(404, problem, { ...notFound, status: 400 }, '/v1/topics/none')],
    [
      'an instance that is not the request',
      answer(404, problem, { ...notFound, instance: 'r2' }, '/v1/topics/none'),
    ],
    [
      'a retryable problem without Retry-After',
      answer(404, problem, { ...notFound, retryable: true }, '/v1/topics/n'),
    ],
    ['an error that is no problem document', answer(404, json, {}, '/v1/nothing')],
  ])('finds %s', (_, broken) => {
    expect(breaches(broken)).not.toEqual([])
  })
})
