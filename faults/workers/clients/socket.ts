import { WebSocket } from 'ws'
import type { Place } from '../../history/events.ts'
import type { ReadJson } from './polls.ts'

/** Frames of the gateway, as far as consumers here look at them. */
export type FrameJson =
  | { readonly type: 'assigned'; readonly partitions: readonly Place[] }
  | { readonly type: 'records'; readonly records: readonly ReadJson[]; readonly cursor?: string }
  | { readonly type: 'committed'; readonly offsets: readonly Place[] }
  | { readonly type: 'revoked'; readonly partitions: readonly Omit<Place, 'offset'>[] }
  | { readonly type: 'error'; readonly code: string }
  | { readonly type: 'resumable'; readonly token: string; readonly kept: boolean }
  | { readonly type: 'caughtUp' | 'draining' }

export interface Reading {
  readonly socket: WebSocket
  /** Settles with its close code when it has ended, whatever the reason. */
  readonly ended: Promise<number>
}

/** Without a ping of the gateway for so long a socket is given up, ms: longer than between two of them. */
const SILENCE_MS = 45_000

/** Opens a socket and hands on its frames. */
export function openSocket(
  url: string,
  query: Readonly<Record<string, string>>,
  take: (frame: FrameJson, socket: WebSocket) => void,
): Reading {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws?${new URLSearchParams(query)}`, {
    handshakeTimeout: SILENCE_MS,
  })
  const silence = setTimeout(() => socket.terminate(), SILENCE_MS)
  socket.on('error', () => {})
  socket.on('ping', () => silence.refresh())
  socket.on('message', (data: Buffer) => {
    silence.refresh()
    take(JSON.parse(data.toString()) as FrameJson, socket)
  })
  const ended = new Promise<number>((resolve) => {
    socket.once('close', (code) => {
      clearTimeout(silence)
      resolve(code)
    })
  })
  return { socket, ended }
}
