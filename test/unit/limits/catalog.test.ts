import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { loadConfig } from '../../../src/config/config.ts'
import { settings } from '../../../src/config/settings.ts'
import { limitRows } from '../../../src/limits/catalog.ts'
import { limitCodes } from '../../../src/limits/limit-counts.ts'

/** Numbers that say where or how often, and bound nothing that a client can do. */
const noLimits = new Set([
  'SLUICE_PORT',
  'SLUICE_KAFKA_PORT',
  'SLUICE_METRICS_PORT',
  'SLUICE_WORKERS',
  'SLUICE_SSE_HEARTBEAT_MS',
  'SLUICE_GROUP_SESSION_TIMEOUT_MS',
  'SLUICE_GROUP_HEARTBEAT_MS',
  'SLUICE_GROUP_GRACE_MS',
  'SLUICE_SHUTDOWN_TIMEOUT_MS',
  'SLUICE_KAFKA_CLIENT_IDLE_MS',
  'SLUICE_KAFKA_LOGIN_CHECK_MS',
  'SLUICE_DRAIN_DELAY_MS',
])
/** Those that count only where something else is set, too. */
const conditional = new Set(['SLUICE_FAILED_LOGINS', 'SLUICE_KAFKA_CLIENTS'])
const page = readFileSync(new URL('../../../docs/limits.md', import.meta.url), 'utf8')

/** Settings whose value is a number. */
const numbers = Object.entries<z.ZodType>(settings)
  .filter(([name, schema]) => name.startsWith('SLUICE_') && typeof schema.safeParse('1024').data === 'number')
  .map(([name]) => name)

describe('the list of limits', () => {
  it('has every setting that is one', () => {
    expect(numbers.length).toBeGreaterThan(25)
    const listed = new Set<string>(limitRows.map(({ setting }) => setting))
    expect(numbers.filter((name) => !listed.has(name) && !noLimits.has(name))).toEqual([])
    expect([...listed].filter((name) => noLimits.has(name))).toEqual([])
  })

  it('has each once, with its value where it is set, and says of each what it is there for', () => {
    const names = limitRows.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const { setting, of, past, attack } of limitRows) {
      if (conditional.has(setting)) continue
      const value = ['7654', '77', '2345678'].find((text) => settings[setting].safeParse(text).success)
      expect(of(loadConfig({ [setting]: value })), setting).toBe(Number(value))
      expect(past.length * attack.length, setting).toBeGreaterThan(0)
      expect(page).toContain(`| \`${setting}\``)
    }
  })

  it('names the problem of every refusal that is counted', () => {
    for (const code of limitCodes) expect(page, code).toContain(`\`${code}\``)
  })
})
