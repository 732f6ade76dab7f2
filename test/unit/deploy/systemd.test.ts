import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/config.ts'
import { deployTool } from '../../support/deploy-tools.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const root = join(import.meta.dirname, '../../..')
const unit = readFileSync(join(root, 'deploy/systemd/sluice.service'), 'utf8')
const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
const pairs = (text: string) => lines(text).map((line) => line.split(/=(.*)/s).slice(0, 2))
/** Most that systemd may find exposed, in tenths of its scale from 0 to 10; an ordinary service has 96. */
const EXPOSURE = '15'

const analyze = deployTool('systemd-analyze')

describe('the systemd unit', () => {
  it.skipIf(analyze === undefined)('is one that systemd takes, and holds for confined', () => {
    const file = join(temporaryDir(), 'sluice.service')
    // The program where this checkout has it.
    writeFileSync(file, unit.replaceAll('/opt/sluice', root))
    expect(analyze!(['verify', '--man=no', file])).toMatchObject({ status: 0, stderr: '' })
    expect(
      analyze!(['security', '--offline=true', `--threshold=${EXPOSURE}`, '--no-pager', file]),
    ).toMatchObject({ status: 0, stderr: '' })
  })

  it('has settings that go together, and the time that a stop takes', () => {
    const directives = pairs(unit)
    const own = directives
      .filter(([name]) => name === 'Environment')
      .map(([, pair = '']) => pair.split(/=(.*)/s))
    const inFile = pairs(readFileSync(join(root, 'deploy/systemd/sluice.env'), 'utf8'))
    const config = loadConfig(Object.fromEntries([...inFile, ...own]))
    const valueOf = (name: string) => directives.find(([key]) => key === name)?.[1]
    expect(Number.parseInt(valueOf('TimeoutStopSec')!) * 1_000).toBeGreaterThanOrEqual(
      config.shutdownTimeoutMs + 5_000,
    )
    expect(config.auth?.keysFile).toBe(`%d/${valueOf('LoadCredential')!.split(':')[0]}`)
    expect(config.auditLog).toMatch(new RegExp(`^/var/log/${valueOf('LogsDirectory')}/`))
  })

  it('starts the gateway as npm start does', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const flags = (scripts.start as string).match(/--[\w-]+=\d+/g)!
    for (const flag of flags) expect(unit).toMatch(new RegExp(`^ExecStart=.* ${flag} `, 'm'))
  })
})
