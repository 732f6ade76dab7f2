import { z } from 'zod'
import { keyIdPattern } from './api-key.ts'
import { checkContents, FileError } from './file-error.ts'
import { operations } from './policy.ts'

/** Two, so that a key is rotated while both count: make the new one, give it out, take the old one away. */
export const MAX_SECRETS = 2

const Secret = z.strictObject({
  hash: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected the SHA-256 of a secret in base64url'),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
})

const Key = z.strictObject({
  id: z.string().regex(keyIdPattern, 'expected 1 to 64 of a-z 0-9 -'),
  roles: z.array(z.string().regex(/^\S+$/)).optional(),
  scopes: z.array(z.enum(operations)).min(1).optional(),
  secrets: z.array(Secret).max(MAX_SECRETS),
})

const KeyFileDocument = z.strictObject({ keys: z.array(Key) })

/** The file of API keys: hashes alone, so whoever reads it can use none of them. */
export type KeyFile = z.output<typeof KeyFileDocument>
export type StoredKey = KeyFile['keys'][number]

/** @throws FileError */
export function parseKeyFile(text: string): KeyFile {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new FileError(['the file is not JSON'])
  }
  const file = checkContents(KeyFileDocument, value, 'the file')
  const ids = file.keys.map(({ id }) => id)
  const twice = ids.find((id, i) => ids.indexOf(id) !== i)
  if (twice !== undefined) throw new FileError([`key ${twice} is there twice`])
  return file
}

export function formatKeyFile(file: KeyFile): string {
  return `${JSON.stringify(file, null, 2)}\n`
}
