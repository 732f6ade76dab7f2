import { resolve } from 'node:path'
import { Child } from './child.ts'
import { usageOf } from './process-usage.ts'

/** A bare `node:http` server, in a process of its own. */
export interface BareHttp {
  readonly url: string
  readonly pid: number
  /** From starting the process to listening. */
  readonly readyMs: number
  readonly readyCpuMs: number | undefined
  stop(): Promise<void>
}

/** One that reads, parses and answers; with a topic given, one that writes the record first. */
export async function startBareHttp(kafka?: { brokers: string; topic: string }): Promise<BareHttp> {
  const began = performance.now()
  const name = kafka === undefined ? 'bare-http.ts' : 'bare-http-writer.ts'
  const args = kafka === undefined ? [] : [kafka.brokers, kafka.topic]
  const child = new Child(resolve(import.meta.dirname, '..', name), args)
  const { url } = await child.line((line) => JSON.parse(line) as { url: string }, 30_000)
  const readyMs = performance.now() - began
  const { pid } = child
  return { url, pid, readyMs, readyCpuMs: usageOf(pid)?.cpuMs, stop: () => child.stop() }
}
