import { expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'

it.each([
  [{}, 8080],
  [{ PORT: '3000' }, 3000],
  [{ PORT: '3000', SLUICE_PORT: '' }, 3000],
  [{ PORT: '3000', SLUICE_PORT: '4000' }, 4000],
  [{ PORT: '', SLUICE_PORT: '' }, 8080],
  // Nobody goes by it.
  [{ PORT: 'tcp://10.0.0.1:80', SLUICE_PORT: '4000' }, 4000],
])('the port of %j is %i', (env, port) => {
  expect(loadConfig(env).port).toBe(port)
})

it('a PORT that is none stops the start', () => {
  expect(() => loadConfig({ PORT: 'x' })).toThrow('PORT: expected an integer from 0 to 65535')
})
