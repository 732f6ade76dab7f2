import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSecret, newSecret } from '../../src/auth/api-key.ts'
import type { KeyFile } from '../../src/auth/key-file.ts'
import { temporaryDir } from './temporary-dir.ts'

export interface AuthFiles {
  /** Settings for a gateway that asks who one is. */
  readonly env: Record<string, string>
  /** `Authorization` of each key. */
  readonly headers: Readonly<Record<string, { authorization: string }>>
  readonly keys: Readonly<Record<string, string>>
  writePolicy(policy: string): void
  /** Takes keys away, or has them expire. */
  writeKeys(change?: (key: KeyFile['keys'][number]) => KeyFile['keys'][number] | undefined): void
}

/** A policy and keys in files of their own, for `startTestGateway`. */
export function authFiles(policy: string, ids: readonly string[]): AuthFiles {
  const dir = temporaryDir()
  const policyFile = join(dir, 'policy.yaml')
  const keysFile = join(dir, 'keys.json')
  const secrets = new Map(ids.map((id) => [id, newSecret()]))
  const keys = Object.fromEntries(ids.map((id) => [id, `sluice_${id}_${secrets.get(id)}`]))
  const writePolicy = (text: string) => writeFileSync(policyFile, text)
  const writeKeys: AuthFiles['writeKeys'] = (change = (key) => key) => {
    const all = ids.map((id) => ({
      id,
      secrets: [
        {
          hash: hashSecret(secrets.get(id)!).toString('base64url'),
          createdAt: new Date().toISOString(),
          expiresAt: null,
        },
      ],
    }))
    writeFileSync(keysFile, JSON.stringify({ keys: all.flatMap((key) => change(key) ?? []) }))
  }
  writePolicy(policy)
  writeKeys()
  return {
    env: { SLUICE_POLICY_FILE: policyFile, SLUICE_API_KEYS_FILE: keysFile },
    headers: Object.fromEntries(ids.map((id) => [id, { authorization: `Bearer ${keys[id]}` }])),
    keys,
    writePolicy,
    writeKeys,
  }
}
