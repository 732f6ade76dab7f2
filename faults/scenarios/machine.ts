import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GatewayProcess } from '../stage/gateways.ts'
import type { Scenario } from './scenario.ts'

const SMALL_MB = 96
let disk: string | undefined

/** A file system of a few megabytes, which goes with this process. @throws where there may be none */
function smallDisk(): string {
  if (disk !== undefined) return disk
  const dir = mkdtempSync(join(tmpdir(), 'sluice-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_MB}m`, 'tmpfs', dir], { stdio: 'pipe' })
  disk = dir
  process.on('exit', () => {
    execFileSync('umount', ['-l', dir])
    rmSync(dir, { recursive: true, force: true })
  })
  return dir
}

const brokerDiskFull: Scenario = {
  name: 'broker-disk-full',
  title:
    'the disk of one broker is full: it says no or stops, nothing is told written that is not, and it comes back with room',
  missing() {
    if (process.getuid?.() !== 0) return 'only root may make a small disk'
    try {
      smallDisk()
      return undefined
    } catch {
      return 'no small disk can be mounted'
    }
  },
  stage: {
    configsOf: (nodeId): Record<string, string> =>
      nodeId === 3 ? { 'log.dirs': join(smallDisk(), 'data') } : {},
  },
  async play(scene) {
    const broker = scene.brokers[2]!
    const filler = join(smallDisk(), 'filler')
    await scene.fault('the disk of broker 3 is full for 15 s', async () => {
      try {
        writeFileSync(filler, Buffer.alloc(SMALL_MB * 1_048_576))
      } catch {
        // Now it is full.
      }
      await scene.pause(15_000)
      rmSync(filler)
      await broker.kill9()
      await broker.restart()
    })
  },
}

const hangingBootstrap: Scenario = {
  name: 'hanging-bootstrap',
  title: 'the first bootstrap address accepts nothing: a gateway starts within 10 s by the second',
  load: { single: [1, 100], reader: [1, 0] },
  async play(scene) {
    const silent = createServer()
    silent.listen({ port: 0, host: '127.0.0.1', backlog: 1 })
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    const env = { KAFKA_BROKERS: `127.0.0.1:${port},127.0.0.1:${scene.proxies[0]!.port}` }
    await scene.fault('a gateway starts with a first address that hangs', async () => {
      const since = performance.now()
      const gateway = await GatewayProcess.start({ name: 'gateway-late', folder: scene.folder, env })
      const ms = performance.now() - since
      if (ms > 10_000) scene.broken(`it was ready after ${Math.round(ms)} ms`)
      await gateway.end('SIGTERM')
    })
    silent.close()
  },
}

export const machineScenarios: readonly Scenario[] = [brokerDiskFull, hangingBootstrap]
