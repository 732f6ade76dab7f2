import { scanJson } from '../../records/json-scan.ts'
import { walkArray, walkObject } from '../../records/json-walk.ts'
import type { ProblemDocument } from '../errors.ts'

export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** A header's value is text, or null, or base64 where `encoding` says so. */
export interface HeaderEntry {
  readonly name: string
  readonly value: string | null
  readonly encoding?: 'base64'
}

/** A record in format `text`: a key or value is text, or null, or base64 where its encoding says so. */
export interface TextRecord extends Position {
  readonly timestamp: number
  readonly key: string | null
  readonly keyEncoding?: 'base64'
  readonly value: string | null
  readonly valueEncoding?: 'base64'
  readonly headers: Readonly<Record<string, string>> | readonly HeaderEntry[]
}

/** The frames of the gateway (asyncapi.yaml) that a consumer acts on. */
export type Frame =
  | { readonly type: 'assigned'; readonly partitions: readonly Position[] }
  | { readonly type: 'records'; readonly records: readonly TextRecord[]; readonly cursor?: string }
  | { readonly type: 'resumable'; readonly token: string }
  | { readonly type: 'committed'; readonly offsets: readonly Position[] }
  | { readonly type: 'revoked'; readonly partitions: readonly Omit<Position, 'offset'>[] }
  | { readonly type: 'caughtUp' | 'draining' }
  | { readonly type: 'end'; readonly cursor: string }
  | ({ readonly type: 'error' } & ProblemDocument)

/** The records of a `records` frame as they stand in it, byte for byte: parsing would lose digits and spaces. */
export function recordTexts(frame: Buffer): Buffer[] {
  const texts: Buffer[] = []
  walkObject(frame, 0, (name, value) => {
    if (name !== 'records') return scanJson(frame, value)
    return walkArray(frame, value, (start) => {
      const end = scanJson(frame, start)
      texts.push(frame.subarray(start, end))
      return end
    })
  })
  return texts
}
