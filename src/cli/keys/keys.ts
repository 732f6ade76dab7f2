import { formatApiKey, hashSecret, keyIdPattern, newSecret } from '../../auth/api-key.ts'
import { MAX_SECRETS, type StoredKey } from '../../auth/key-file.ts'
import { type Operation, operations } from '../../auth/policy.ts'
import type { Context } from '../context.ts'
import { CommandError, exitCodes, UsageError } from '../errors.ts'
import { keyOf, keysFile, readKeys, writeKeys } from './key-files.ts'

export interface KeyOptions {
  readonly file?: string
  readonly role?: readonly string[]
  readonly scope?: readonly string[]
  readonly expires?: string
}

const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
}

/** `sluice keys create`: the key is printed, and is nowhere else. */
export async function createKey(context: Context, options: KeyOptions, id: string): Promise<void> {
  if (!keyIdPattern.test(id)) throw new UsageError(`${id} is no id of a key: 1 to 64 of a-z 0-9 -`)
  const path = keysFile(options.file)
  const file = readKeys(path)
  if (file.keys.some((key) => key.id === id)) {
    throw new CommandError(exitCodes.failed, `there is a key ${id} already`, {
      hint: `\`sluice keys rotate ${id}\` gives it a new secret.`,
    })
  }
  const secret = newSecret()
  const { role: roles, scope } = options
  const scopes = scope && toScopes(scope)
  const key: StoredKey = {
    id,
    ...(roles && { roles: [...roles] }),
    ...(scopes && { scopes }),
    secrets: [stored(secret, options.expires)],
  }
  writeKeys(path, { keys: [...file.keys, key] })
  await tell(
    context,
    id,
    secret,
    `Rules name it key:${id}. It is not shown again; a running gateway takes it within a second.`,
  )
}

/** `sluice keys rotate`: a second secret, beside the one in use. */
export async function rotateKey(context: Context, options: KeyOptions, id: string): Promise<void> {
  const path = keysFile(options.file)
  const file = readKeys(path)
  const key = keyOf(file, id)
  const secret = newSecret()
  const kept = key.secrets.slice(-(MAX_SECRETS - 1))
  const secrets = [...kept, stored(secret, options.expires)]
  writeKeys(path, { keys: file.keys.map((one) => (one === key ? { ...key, secrets } : one)) })
  await tell(
    context,
    id,
    secret,
    `The one before counts until \`sluice keys retire ${id}\`: give this one out first.`,
  )
}

/** `sluice keys retire`: all secrets but the newest count no more. */
export async function retireKey(context: Context, options: KeyOptions, id: string): Promise<void> {
  const path = keysFile(options.file)
  const file = readKeys(path)
  const key = keyOf(file, id)
  writeKeys(path, {
    keys: file.keys.map((one) => (one === key ? { ...key, secrets: key.secrets.slice(-1) } : one)),
  })
  context.say(`Only the newest secret of ${id} counts now.`)
}

/** `sluice keys revoke`: the key counts no more, and its streams end. */
export async function revokeKey(context: Context, options: KeyOptions, id: string): Promise<void> {
  const path = keysFile(options.file)
  const file = readKeys(path)
  const key = keyOf(file, id)
  writeKeys(path, { keys: file.keys.filter((one) => one !== key) })
  context.say(`${id} is taken away: within seconds nothing is served to it, and its streams end.`)
}

/** `sluice keys list`: never a secret. */
export async function listKeys(context: Context, options: KeyOptions): Promise<void> {
  const keys = readKeys(keysFile(options.file)).keys.map(({ id, roles = [], scopes = null, secrets }) => ({
    id,
    roles,
    scopes,
    secrets: secrets.map(({ createdAt, expiresAt }) => ({ createdAt, expiresAt })),
  }))
  await context.printList(
    { keys },
    keys,
    [
      { title: 'KEY', value: ({ id }) => id },
      { title: 'ROLES', value: ({ roles }) => roles.join(', ') },
      { title: 'SCOPES', value: ({ scopes }) => scopes?.join(', ') ?? 'all' },
      {
        title: 'MADE',
        value: ({ secrets }) => secrets.map(({ createdAt }) => createdAt.slice(0, 10)).join(', '),
      },
      {
        title: 'EXPIRES',
        value: ({ secrets }) => secrets.map(({ expiresAt }) => expiresAt?.slice(0, 10) ?? 'never').join(', '),
      },
    ],
    ({ id }) => id,
  )
}

async function tell(context: Context, id: string, secret: string, then: string): Promise<void> {
  const key = formatApiKey({ id, secret })
  await context.print({ id, key }, () => `${key}\n`)
  context.say(then)
}

function stored(secret: string, expires: string | undefined): StoredKey['secrets'][number] {
  return {
    hash: hashSecret(secret).toString('base64url'),
    createdAt: new Date().toISOString(),
    expiresAt: expires === undefined ? null : new Date(Date.now() + durationOf(expires)).toISOString(),
  }
}

function durationOf(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([hdwy])$/.exec(text) ?? []
  if (count === undefined)
    throw new UsageError(`--expires ${text}: expected a duration such as 12h, 90d or 1y`)
  return Number(count) * unitMs[unit]!
}

function toScopes(texts: readonly string[]): Operation[] {
  return texts.map((text) => {
    const scope = operations.find((operation) => operation === text)
    if (scope === undefined) throw new UsageError(`--scope ${text}: expected one of ${operations.join(', ')}`)
    return scope
  })
}
