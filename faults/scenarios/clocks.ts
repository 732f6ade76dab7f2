import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accessEnv, BRIEF_MS, urlAs } from '../stage/access.ts'
import { call } from '../workers/http.ts'
import type { Scenario, Scene } from './scenario.ts'
import { within } from './targets.ts'

/** How far the clock of the one gateway is ahead, and that of the other behind, s; more than a key counts that is given out. */
const AHEAD_S = 600
/** How long libfaketime may go on with what it has read, s. */
const CACHE_S = 1
const libraries = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (machine) => `/usr/lib/${machine}/faketime/libfaketimeMT.so.1`,
)
const library = libraries.find((path) => existsSync(path))

const clockFile = (folder: string, n: number) => join(folder, `clock-${n}`)

/** Sets the wall clock of a gateway, while it runs too. What passes by its monotonic clock is left as it is. */
function setClock(folder: string, n: number, seconds: number): void {
  // Never half of it.
  writeFileSync(`${clockFile(folder, n)}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`)
  renameSync(`${clockFile(folder, n)}.new`, clockFile(folder, n))
}

function clockEnv(n: number, folder: string): NodeJS.ProcessEnv {
  setClock(folder, n, n === 1 ? AHEAD_S : -AHEAD_S)
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clockFile(folder, n),
    FAKETIME_CACHE_DURATION: String(CACHE_S),
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    // As earlier ones call it.
    DONT_FAKE_MONOTONIC: '1',
  }
}

/** Whether each gateway lets a key in that counts for five minutes more. */
async function admits({ gateways, topics }: Scene): Promise<string> {
  const answers = await Promise.all(
    gateways.map(({ url }) => call(`${urlAs('brief', url)}/v1/topics/${topics[0]}`, { isElsewhere: true })),
  )
  return answers.map((answer) => answer?.status).join()
}

export const movedClocks: Scenario = {
  name: 'moved-clocks',
  title:
    'gateways’ clocks are ten minutes ahead and behind, and step: what waits, waits as long as ever; keys count by the clock',
  missing: () => (library === undefined ? 'there is no libfaketime' : undefined),
  holder: 'tenant',
  stage: { gatewayEnvOf: (n, folder) => ({ ...accessEnv(folder), ...clockEnv(n, folder) }) },
  async play(scene) {
    const { folder, pause } = scene
    if (BRIEF_MS / 1_000 >= AHEAD_S) throw new Error('the key counts for too long')
    const expect = async (wanted: string) => {
      const isSo = await within(scene, 10_000, async () => (await admits(scene)) === wanted)
      if (!isSo) scene.broken(`a key for five minutes is answered ${await admits(scene)}, expected ${wanted}`)
    }
    await expect('401,200')
    for (const sign of [-1, 1]) {
      await scene.fault(`the clocks step by ${2 * AHEAD_S} s, one back and one forward`, async () => {
        setClock(folder, 1, sign * AHEAD_S)
        setClock(folder, 2, -sign * AHEAD_S)
        await expect(sign < 0 ? '200,401' : '401,200')
        await pause(8_000)
      })
    }
  },
  judge({ consumers }) {
    // A step ends no session and no connection.
    return consumers
      .filter(({ consumers: name, connections }) => connections > (clients[name] ?? connections))
      .map(({ consumers: name, connections }) => `${name} needed ${connections} connections`)
  },
}

/** Of the standard load, by what the checker calls them. */
const clients: Readonly<Record<string, number>> = {
  reader: 1,
  sse: 1,
  ndjsonReader: 1,
  members: 3,
  returners: 2,
}
