import { type ApiKey, hashSecret, sameHash } from './api-key.ts'
import type { KeyFile, StoredKey } from './key-file.ts'
import type { Operation } from './policy.ts'
import type { Principal } from './principal.ts'

/** Compared where there is no such key, so that finding out takes as long as a wrong secret does. */
const nobody = hashSecret('')

interface KnownKey {
  readonly key: StoredKey
  readonly secrets: readonly { readonly hash: Buffer; readonly expiresAt: number | undefined }[]
}

/** The API keys that count now. */
export class KeyStore {
  #keys: ReadonlyMap<string, KnownKey> = new Map()

  /** Takes the keys of a file in place of those before. */
  replace({ keys }: KeyFile): void {
    this.#keys = new Map(
      keys.map((key) => {
        const secrets = key.secrets.map(({ hash, expiresAt }) => ({
          hash: Buffer.from(hash, 'base64url'),
          expiresAt: expiresAt === null ? undefined : Date.parse(expiresAt),
        }))
        return [key.id, { key, secrets }]
      }),
    )
  }

  /** Who shows this key; undefined where it doesn't count: unknown, wrong, taken away or expired. */
  find({ id, secret }: ApiKey): Principal | undefined {
    return this.resume(id, hashSecret(secret))
  }

  /** The same for a secret that was seen before, by its hash. */
  resume(id: string, hash: Buffer): (Principal & { readonly secretHash: Buffer }) | undefined {
    const found = this.#match(id, hash)
    if (found === undefined) return undefined
    const { roles = [], scopes } = found.key
    return {
      name: `key:${id}`,
      roles,
      ...(scopes && { scopes: new Set<Operation>(scopes) }),
      expiresAt: found.expiresAt,
      isCurrent: () => {
        const now = this.#match(id, hash)?.key
        // What it may do was found out with these: a key that has others now is shown anew.
        return now !== undefined && sameList(now.roles, roles) && sameList(now.scopes, scopes)
      },
      secretHash: hash,
    }
  }

  #match(id: string, hash: Buffer): { key: StoredKey; expiresAt: number | undefined } | undefined {
    const known = this.#keys.get(id)
    const now = Date.now()
    let match: { key: StoredKey; expiresAt: number | undefined } | undefined
    for (const secret of known?.secrets ?? [{ hash: nobody, expiresAt: undefined }]) {
      const isSame = sameHash(secret.hash, hash)
      if (isSame && known !== undefined && (secret.expiresAt ?? Infinity) > now) {
        match = { key: known.key, expiresAt: secret.expiresAt }
      }
    }
    return match
  }
}

function sameList(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.join('\n') === b.join('\n')
}
