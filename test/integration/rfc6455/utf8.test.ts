// RFC 6455, section 8.1: text is UTF-8, and what is not ends the connection with 1007.
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { rawConnect, rawFragments, rawText } from '../../support/raw-ws.ts'

const valid: [name: string, text: string][] = [
  ['Greek', 'κόσμε'],
  ['the ends of two bytes', '\u0080\u07ff'],
  ['the ends of three', '\u0800\uffff'],
  ['around the surrogates', '\ud7ff\ue000'],
  ['four bytes', '😀𐍈'],
  ['the ends of four', '\u{10000}\u{10ffff}'],
  ['noncharacters and a byte order mark', '\ufdd0\ufffe\u{1fffe}\ufeff'],
]

/** By Markus Kuhn's list and Unicode's table 3-7. */
const invalid: [name: string, hex: string][] = [
  ['a continuation byte alone', '80'],
  ['the last one of them', 'bf'],
  ['several of them', '80bf80'],
  ['a lead of two without its rest', 'c320'],
  ['a lead of three without its rest', 'e28220'],
  ['a lead of four without its rest', 'f09f9820'],
  ['cut off at its end: two', 'c3'],
  ['cut off at its end: three', 'e282'],
  ['cut off at its end: four', 'f09f98'],
  ['an overlong slash in two', 'c0af'],
  ['an overlong slash in three', 'e080af'],
  ['an overlong slash in four', 'f08080af'],
  ['an overlong null', 'c080'],
  ['the longest overlong of two', 'c1bf'],
  ['the longest overlong of three', 'e09fbf'],
  ['the longest overlong of four', 'f08fbfbf'],
  ['the first surrogate', 'eda080'],
  ['the last surrogate', 'edbfbf'],
  ['a pair of surrogates', 'eda080edb080'],
  ['just past U+10FFFF', 'f4908080'],
  ['a lead that is none, f5', 'f5808080'],
  ['five bytes', 'f888808080'],
  ['six bytes', 'fc8480808080'],
  ['fe', 'fe'],
  ['ff', 'ff'],
]

describe('UTF-8', () => {
  it.each(valid)('is taken as it is, in one piece and byte by byte: %s', async (_, id) => {
    const client = await rawConnect(await startTestGateway())
    const message = Buffer.from(JSON.stringify({ type: 'produce', id }))
    client.send(rawText(message))
    client.send(...rawFragments([...message].map((byte) => Buffer.of(byte))))
    await client.until('two answers', () => client.messages.length === 2)
    expect(client.messages).toMatchObject([{ id }, { id }])
  })

  it.each(invalid)('is all that is taken: %s', async (_, hex) => {
    const gateway = await startTestGateway()
    const bytes = Buffer.concat([Buffer.from('"'), Buffer.from(hex, 'hex')])
    const whole = await rawConnect(gateway)
    whole.send(rawText(bytes))
    expect(await whole.closes()).toBe(1007)
    const pieces = await rawConnect(gateway)
    pieces.send(...rawFragments([...bytes].map((byte) => Buffer.of(byte))))
    expect(await pieces.closes()).toBe(1007)
  })
})
