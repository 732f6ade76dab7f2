import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster } from '../../src/kafka/cluster.ts'
import { Problem } from '../../src/problems/problem.ts'
import { SetupError } from '../setup-error.ts'
import type { OwnedProcess } from './owned-process.ts'

const RETRY_MS = 100

/** A Kafka that did not come up or did not stay; `reason` is its own last word. */
export class KafkaStartError extends SetupError {
  readonly reason: string
  constructor(what: string, reason: string, logFile?: string) {
    super(
      `Kafka ${what}${reason === '' ? '' : ` (${reason})`}${logFile === undefined ? '' : `; its log is ${logFile}`}`,
    )
    this.name = 'KafkaStartError'
    this.reason = reason
  }
}

/**
 * Waits until `brokers` brokers have registered and a controller leads: proof that it answers, not a line in its log.
 * @throws KafkaStartError where the process ends or the time is over; the signal's reason where it aborts
 */
export async function waitReady(
  { exited: ended, logFile, logStart }: Pick<OwnedProcess, 'exited' | 'logFile' | 'logStart'>,
  options: { bootstrap: string; timeoutMs: number; brokers?: number; signal?: AbortSignal },
): Promise<void> {
  const { bootstrap, timeoutMs, brokers = 1, signal } = options
  const cluster = new Cluster({ brokers: [bootstrap], clientId: 'sluice-start' })
  const done = new AbortController()
  let exited = false
  void ended.then(() => {
    exited = true
    done.abort()
  })
  const wake = signal === undefined ? done.signal : AbortSignal.any([done.signal, signal])
  const deadline = performance.now() + timeoutMs
  try {
    for (;;) {
      if (await answers(cluster, brokers)) return
      signal?.throwIfAborted()
      if (exited) throw new KafkaStartError('stopped while starting', lastWord(logFile, logStart), logFile)
      if (performance.now() > deadline) {
        const what = `did not answer within ${timeoutMs / 1000} s`
        throw new KafkaStartError(what, lastWord(logFile, logStart), logFile)
      }
      await sleep(RETRY_MS, undefined, { signal: wake }).catch(() => {})
    }
  } finally {
    await cluster.close()
  }
}

async function answers(cluster: Cluster, brokers: number): Promise<boolean> {
  try {
    await cluster.ping(2_000)
    return cluster.brokers.size >= brokers && cluster.controllerId >= 0
  } catch (error) {
    if (error instanceof Problem && error.code === 'kafka_unavailable') return false
    throw error
  }
}

/** The line of a log that says best why its writer ended: the last exception or error, else the last line. */
export function lastWord(logFile: string, from = 0): string {
  const fd = openSync(logFile, 'r')
  try {
    const { size } = fstatSync(fd)
    const start = Math.max(from, size - 65_536)
    const buffer = Buffer.alloc(Math.max(0, size - start))
    readSync(fd, buffer, 0, buffer.length, start)
    const lines = buffer
      .toString()
      .split('\n')
      .filter((line) => line.trim() !== '' && !/^\s+(at|\.\.\.) /.test(line))
    const telling = lines.findLast((line) => /Caused by|Exception|Error:/.test(line)) ?? lines.at(-1)
    return (telling ?? '').trim().slice(0, 300)
  } finally {
    closeSync(fd)
  }
}
