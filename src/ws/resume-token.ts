import type { SecretStore } from '../kafka/secret-store.ts'
import { Problem } from '../problems/problem.ts'
import { TokenSigner } from '../signed-token.ts'

/** What a resume token says: which member of which group its bearer is. */
export interface ResumeToken {
  readonly group: string
  readonly topics: readonly string[]
  /** The member's `group.instance.id` (KIP-345). */
  readonly instanceId: string
  /** Milliseconds that the group keeps the member's place when its socket drops. */
  readonly graceMs: number
}

const VERSION = 1
/** A longer text is none of ours: fifty topics with the longest of names take two thirds of it. */
const MAX_LENGTH = 32_768

/**
 * Signs and reads the tokens with which a socket comes back as the member that another one was. Any replica takes them,
 * and they have no end of their own: whether there is still a place to come back to, the group knows.
 */
export class ResumeTokens {
  readonly #secrets: SecretStore
  #signer: TokenSigner | undefined

  constructor(secrets: SecretStore) {
    this.#secrets = secrets
  }

  /** @param owner in whose hands alone it is good for anything. @throws as SecretStore.get() */
  async sign(token: ResumeToken, owner: string): Promise<string> {
    this.#signer ??= new TokenSigner(await this.#secrets.get(), 'resume')
    return this.#signer.sign(encode(token), owner)
  }

  /** @throws Problem invalid_resume_token; as SecretStore.find() */
  async open(text: string, owner: string): Promise<ResumeToken> {
    if (text.length > MAX_LENGTH) throw new Problem('invalid_resume_token')
    const secret = this.#signer === undefined ? await this.#secrets.find() : undefined
    if (secret !== undefined) this.#signer ??= new TokenSigner(secret, 'resume')
    const payload = this.#signer?.open(text, owner)
    const token = payload && decode(payload)
    if (token === undefined) throw new Problem('invalid_resume_token')
    return token
  }
}

/** version 1 | JSON */
function encode({ group, topics, instanceId, graceMs }: ResumeToken): Buffer {
  const json = JSON.stringify({ group, topics, instanceId, graceMs })
  return Buffer.concat([Buffer.of(VERSION), Buffer.from(json)])
}

/** Undefined for what a later version wrote. The signature vouches for the rest. */
function decode(payload: Buffer): ResumeToken | undefined {
  if (payload[0] !== VERSION) return undefined
  return JSON.parse(payload.subarray(1).toString('utf8')) as ResumeToken
}
