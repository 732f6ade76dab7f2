import { WebSocket } from 'ws'
import type { RecordJson } from '../history.ts'

interface Place {
  readonly partition: number
  readonly offset: number
}

/** Frames of the gateway, as far as consumers here look at them. */
export type FrameJson =
  | { readonly type: 'assigned'; readonly partitions: readonly Place[] }
  | { readonly type: 'records'; readonly records: readonly RecordJson[]; readonly cursor?: string }
  | { readonly type: 'committed'; readonly offsets: readonly Place[] }
  | { readonly type: 'revoked'; readonly partitions: readonly { readonly partition: number }[] }
  | { readonly type: 'error'; readonly code: string }
  | { readonly type: 'resumable'; readonly token: string; readonly kept: boolean }
  | { readonly type: 'caughtUp' | 'draining' }

/** Opens a socket and hands on its frames. Settles with its close code when it has ended, whatever the reason. */
export function openSocket(
  url: string,
  query: Readonly<Record<string, string>>,
  take: (frame: FrameJson, socket: WebSocket) => void,
): { readonly socket: WebSocket; readonly ended: Promise<number> } {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws?${new URLSearchParams(query)}`)
  socket.on('error', () => {})
  socket.on('message', (data: Buffer) => take(JSON.parse(data.toString()) as FrameJson, socket))
  const ended = new Promise<number>((resolve) => socket.once('close', resolve))
  return { socket, ended }
}
