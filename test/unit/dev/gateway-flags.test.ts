import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { GATEWAY_FLAGS } from '../../../dev/gateway-flags.ts'

const root = join(import.meta.dirname, '../../..')

it.each(['bin/sluice.mjs', 'package.json', 'Dockerfile'])(
  '%s starts the gateway with the flags of V8',
  (file) => {
    const text = readFileSync(join(root, file), 'utf8').replaceAll('", "', ' ')
    expect(text).toContain(GATEWAY_FLAGS.join(' '))
  },
)
