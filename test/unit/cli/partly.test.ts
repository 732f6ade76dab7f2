import { describe, expect, it } from 'vitest'
import { type CommandError, exitCodes, GatewayError } from '../../../src/cli/errors.ts'
import { partly } from '../../../src/cli/partly.ts'

describe('partly', () => {
  const error = new GatewayError({ code: 'topic_exists', title: 'There is such a topic.', status: 409 })

  it('says what was done before something failed, with the hint of the problem', () => {
    const thrown = partly('created', ['a', 'b'], error) as CommandError
    expect(thrown.exitCode).toBe(exitCodes.partly)
    expect(thrown.message).toBe('created a, b, then: There is such a topic (topic_exists)')
    expect(thrown.hint).toContain('choose another name')
  })

  it('leaves an error as it is where nothing was done, or it is a mistake of ours', () => {
    expect(partly('created', [], error)).toBe(error)
    const mistake = new TypeError('x')
    expect(partly('created', ['a'], mistake)).toBe(mistake)
  })
})
