import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ensureJars, jarsFolder, kafkaVersion } from '../../../dev/kafka/jars.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

/** A cache and a stand-in for `mvn`, which counts its runs and knows `$into`, the folder to fill. */
function setup(script: string): { cache: string; env: NodeJS.ProcessEnv; runs: () => number } {
  const dir = temporaryDir()
  const bin = join(dir, 'bin')
  mkdirSync(bin)
  const counter = join(dir, 'runs')
  writeFileSync(counter, '')
  const into = 'for a in "$@"; do case "$a" in -DoutputDirectory=*) into="${a#*=}";; esac; done'
  writeFileSync(join(bin, 'mvn'), `#!/bin/sh\necho run >> '${counter}'\n${into}\n${script}\n`)
  chmodSync(join(bin, 'mvn'), 0o755)
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
  return { cache: join(dir, 'cache'), env, runs: () => readFileSync(counter, 'utf8').split('\n').length - 1 }
}

const fill =
  'mkdir -p "$into"; echo "[INFO] Downloaded from x: x://y/kafka.jar (1 kB)"; echo jar > "$into/kafka.jar"'

describe('ensureJars', () => {
  it('fetches once, says what it does, and runs nothing the second time', async () => {
    const { cache, env, runs } = setup(fill)
    const said: string[] = []
    const onProgress = (phase: string, detail = '') => said.push(`${phase}|${detail}`)
    const libs = await ensureJars({ cache, env, onProgress })
    expect(libs).toBe(jarsFolder(cache))
    expect(readdirSync(libs)).toEqual(['kafka.jar'])
    const phase = `Fetching Apache Kafka ${kafkaVersion} (45 MB, this once)`
    expect(said).toEqual([`${phase}|`, `${phase}|file 1, kafka.jar`])
    expect(await ensureJars({ cache, env })).toBe(libs)
    expect(runs()).toBe(1)
  })

  it('fetches once for several that ask at the same time', async () => {
    const { cache, env, runs } = setup(fill)
    await Promise.all([1, 2, 3].map(() => ensureJars({ cache, env })))
    expect(runs()).toBe(1)
  })

  it('leaves nothing behind when Maven fails, and says why', async () => {
    const { cache, env } = setup('mkdir -p "$into"; echo "[ERROR] no route to host"; exit 1')
    await expect(ensureJars({ cache, env })).rejects.toThrow(/could not fetch .* \(no route to host\)/)
    expect(readdirSync(cache)).toEqual([])
  })

  it('removes what a killed process left half fetched', async () => {
    const { cache, env } = setup(fill)
    const left = `${dirname(jarsFolder(cache))}.partial-x`
    mkdirSync(left, { recursive: true })
    await ensureJars({ cache, env })
    expect(existsSync(left)).toBe(false)
  })

  it('stops Maven and gives up when it is told to', async () => {
    const { cache, env } = setup('echo "[INFO] Downloaded from x: x://y/first.jar (1 kB)"; sleep 600')
    const stop = new AbortController()
    const onProgress = (_: string, detail?: string) => {
      if (detail !== undefined) stop.abort(new Error('told to'))
    }
    await expect(ensureJars({ cache, env, onProgress, signal: stop.signal })).rejects.toThrow('told to')
    expect(readdirSync(cache)).toEqual([])
  })
})
