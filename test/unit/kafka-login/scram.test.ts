import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { scram } from '../../../src/kafka/sasl/scram.ts'
import { Secret } from '../../../src/config/secret.ts'

const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')

interface Broker {
  readonly iterations?: string
  readonly password?: string
  readonly nonce?: (client: string) => string
  readonly first?: string
}

/** Logs in at a broker made of RFC 5802, which knows the password `pencil` or what it is told; gives what it was sent. */
async function logIn(user: string, broker: Broker = {}): Promise<string[]> {
  const { iterations = '4096', password = 'pencil', nonce = (client) => `${client}broker` } = broker
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const said: string[] = []
  let asked = ''
  const conversation = await scram('SCRAM-SHA-256', user, Secret.of('pencil')).prepare()
  await conversation((message) => {
    said.push(message.toString())
    if (said.length === 1) {
      const [, client = ''] = /,r=(.+)$/.exec(said[0]!) ?? []
      asked = broker.first ?? `r=${nonce(client)},s=${salt.toString('base64')},i=${iterations}`
      return Promise.resolve(Buffer.from(asked))
    }
    const [, bare = '', proof = ''] = /^(.*),p=(.*)$/.exec(said[1]!) ?? []
    const all = `${said[0]!.slice(3)},${asked},${bare}`
    const salted = pbkdf2Sync(password, salt, Number(iterations), 32, 'sha256')
    const clientKey = hmac(salted, 'Client Key')
    const signature = hmac(createHash('sha256').update(clientKey).digest(), all)
    const proven = Buffer.from(proof, 'base64').equals(clientKey.map((byte, i) => byte ^ signature[i]!))
    if (password === 'pencil') expect(proven).toBe(true)
    return Promise.resolve(Buffer.from(`v=${hmac(hmac(salted, 'Server Key'), all).toString('base64')}`))
  })
  return said
}

describe('SCRAM', () => {
  it('proves the password to a broker that proves to know it, and never says it', async () => {
    const said = await logIn('a=b,c,d')
    expect(said[0]).toMatch(/^n,,n=a=3Db=2Cc=2Cd,r=\S{32}$/)
    expect(said.join()).not.toContain('pencil')
  })

  it('says another nonce each time', async () => {
    expect((await logIn('user'))[0]).not.toBe((await logIn('user'))[0])
  })

  it.each<[string, Broker, RegExp]>([
    ['does not know the password', { password: 'guess' }, /does not know the password/],
    ['answers a login of somebody else', { nonce: () => 'theirs' }, /nonce/],
    ['adds nothing to the nonce', { nonce: (client) => client }, /nonce/],
    ['asks for too little work', { iterations: '4095' }, /4095 iterations/],
    ['asks for work without end', { iterations: '2000000000' }, /2000000000 iterations/],
    ['says something else', { first: 'e=other-error' }, /challenge/],
    ['says nothing', { first: '' }, /challenge/],
  ])('refuses a broker that %s', async (_what, broker, reason) => {
    await expect(logIn('user', broker)).rejects.toMatchObject({
      name: 'LoginError',
      message: expect.stringMatching(reason) as string,
    })
  })
})
