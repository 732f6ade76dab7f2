import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Who shows a key. `tenant` may do everything, the `spy` may read what begins with `spy-`, and `brief` is let in for a while. */
export type Holder = 'tenant' | 'spy' | 'brief'

/** How long the key of `brief` counts, ms. */
export const BRIEF_MS = 300_000

const secrets: Readonly<Record<Holder, string>> = { tenant: secret(), spy: secret(), brief: secret() }

const rules = [
  {
    to: ['key:tenant', 'key:brief'],
    allow: ['all'],
    topics: ['*'],
    groups: ['*'],
    cluster: true,
  },
  { to: ['key:spy'], allow: ['consume', 'describe'], topics: ['spy-*'], groups: ['spy-*'] },
]

/** Writes keys and rules, and says the settings by which a gateway asks for them. */
export function accessEnv(folder: string): Record<string, string> {
  const [policy, keys] = [join(folder, 'policy.json'), join(folder, 'keys.json')]
  writeFileSync(policy, JSON.stringify({ rules }))
  const now = Date.now()
  const all = Object.entries(secrets).map(([id, own]) => ({
    id,
    secrets: [
      {
        hash: createHash('sha256').update(own).digest('base64url'),
        createdAt: new Date(now).toISOString(),
        expiresAt: id === 'brief' ? new Date(now + BRIEF_MS).toISOString() : null,
      },
    ],
  }))
  writeFileSync(keys, JSON.stringify({ keys: all }))
  return { SLUICE_POLICY_FILE: policy, SLUICE_API_KEYS_FILE: keys }
}

/** A URL with the key of somebody: clients show it as Basic credentials. */
export function urlAs(holder: Holder, url: string): string {
  return url.replace('://', `://${holder}:${secrets[holder]}@`)
}

function secret(): string {
  return randomBytes(32).toString('base64url')
}
