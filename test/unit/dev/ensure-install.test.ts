import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDir } from '../../support/temporary-dir.ts'

const script = resolve(import.meta.dirname, '../../../dev/ensure-install.mjs')
type Packages = Record<string, { version?: string; dev?: boolean; optional?: boolean }>

/** A checkout with the script, its lockfile, what is installed of it, and an `npm` that does `npm`. */
function checkout(wanted: Packages, installed: Packages | undefined, npm = 'exit 0') {
  const dir = temporaryDir()
  const modules = join(dir, 'node_modules')
  for (const folder of ['dev', 'bin', 'node_modules/.bin']) mkdirSync(join(dir, folder), { recursive: true })
  copyFileSync(script, join(dir, 'dev/ensure-install.mjs'))
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify({ packages: { '': {}, ...wanted } }))
  if (installed === undefined) rmSync(modules, { recursive: true })
  else {
    writeFileSync(join(modules, '.package-lock.json'), JSON.stringify({ packages: installed }))
    symlinkSync(process.execPath, join(modules, '.bin/node'))
  }
  writeFileSync(join(dir, 'bin/npm'), `#!/bin/sh\necho "$@" > '${dir}/called'\n${npm}\n`)
  chmodSync(join(dir, 'bin/npm'), 0o755)
  symlinkSync(process.execPath, join(dir, 'bin/node'))
  return (env: Record<string, string> = {}) => {
    const run = spawnSync(process.execPath, [join(dir, 'dev/ensure-install.mjs')], {
      env: { PATH: `${dir}/bin:/usr/bin:/bin`, ...env },
      encoding: 'utf8',
    })
    const called = existsSync(join(dir, 'called'))
      ? readFileSync(join(dir, 'called'), 'utf8').trim()
      : undefined
    return { code: run.status, said: run.stderr.trimEnd().split('\n'), called }
  }
}

const a = { 'node_modules/a': { version: '1.0.0' } }

describe('ensure-install', () => {
  it('says and runs nothing where the packages are those of the lockfile', () => {
    const optional = { 'node_modules/other-machine': { version: '1.0.0', optional: true } }
    expect(checkout({ ...a, ...optional }, a)()).toEqual({ code: 0, said: [''], called: undefined })
  })

  it.each([
    ['there is no node_modules yet', undefined],
    ['package-lock.json has changed', { 'node_modules/a': { version: '0.9.0' } }],
    ['package-lock.json has changed', {}],
  ])('installs since %s', (why, installed) => {
    const { code, said, called } = checkout(a, installed)()
    expect(code).toBe(0)
    expect(said).toEqual([
      `sluice: installing packages with npm ci, since ${why}`,
      expect.stringMatching(/^sluice: packages installed in \d+ s$/),
    ])
    expect(called).toMatch(/^ci --loglevel=error /)
  })

  it('needs the development packages for the tests, not to start', () => {
    const wanted = { ...a, 'node_modules/b': { version: '1.0.0', dev: true } }
    expect(checkout(wanted, a)({ npm_lifecycle_event: 'prestart' }).called).toBeUndefined()
    expect(checkout(wanted, a)({ npm_lifecycle_event: 'pretest' }).called).toMatch(/^ci /)
  })

  it('says in a sentence that npm could not install, under its own reason', () => {
    const { code, said } = checkout(a, undefined, 'echo "npm error code ENOTFOUND" >&2; exit 1')()
    expect(code).toBe(1)
    expect(said.slice(1)).toEqual([
      'npm error code ENOTFOUND',
      expect.stringMatching(/^sluice: the packages could not be installed, .*registry.*proxy/),
    ])
  })
})
