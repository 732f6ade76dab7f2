// A consumer as a process of its own: `ws-worker.ts URL FILE`. It writes down what it receives, a line for each assigned
// position and each record, before its WebSocket layer can answer the ping that stands for them; so what is committed is
// in the file, even after a SIGKILL.
import { openSync, writeSync } from 'node:fs'
import { WebSocket } from 'ws'

const [url = '', file = ''] = process.argv.slice(2)
const out = openSync(file, 'a')
const socket = new WebSocket(url)

interface Place {
  readonly partition: number
  readonly offset: number
}

interface Frame {
  readonly type: string
  readonly partitions?: readonly Place[]
  readonly records?: readonly (Place & { readonly key: string; readonly value: string })[]
}

socket.on('message', (data: Buffer) => {
  const { type, partitions = [], records = [] } = JSON.parse(data.toString('utf8')) as Frame
  const lines: string[] = []
  if (type === 'assigned') {
    console.log('assigned')
    for (const { partition, offset } of partitions) lines.push(`assigned ${partition} ${offset}\n`)
  }
  for (const { partition, offset, key, value } of records) {
    lines.push(`record ${partition} ${offset} ${key} ${value}\n`)
  }
  if (lines.length > 0) writeSync(out, lines.join(''))
})
socket.on('close', (code) => process.exit(code === 1000 ? 0 : 1))
