import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const decisions = join(import.meta.dirname, '../../docs/decisions')
const page = readFileSync(join(decisions, '0013-what-the-client-does-otherwise.md'), 'utf8')

it.each(['partitioner', 'timeout-code', 'idle-member'])(
  'the Kafka client still does what the page on its faults says: %s',
  (name) => {
    // Exits with 1, and so throws, where the fault is gone.
    const said = execFileSync(process.execPath, [join(decisions, `client/${name}.mjs`)], { encoding: 'utf8' })
    expect(page).toContain(said.trim())
  },
)
