import type { Logger } from 'pino'
import { type Config, ConfigError } from '../config/config.ts'
import { FailedLogins } from './failed-logins.ts'
import { FileError } from './file-error.ts'
import { Guard } from './guard.ts'
import { JwtVerifier } from './jwt.ts'
import { parseKeyFile } from './key-file.ts'
import { KeyStore } from './key-store.ts'
import { parsePolicy } from './policy-document.ts'
import type { Logins } from './logins.ts'
import { operations, Policy } from './policy.ts'
import { Tickets } from './tickets.ts'
import { type Look, WatchedFile } from '../config/watched-file.ts'

/** A guard and the files behind it. */
export interface OpenGuard {
  readonly guard: Guard
  readonly tickets: Tickets | undefined
  /** Looks at the files now, and asks identity providers for their keys when they are needed next. */
  reload(): readonly Look[]
  close(): void
}

/** Whoever Kafka knows may do all that Kafka allows. */
const kafkaDecides = new Policy(
  [
    {
      name: 'Kafka decides',
      effect: 'allow',
      to: ['*'],
      operations: new Set(operations),
      topics: ['*'],
      groups: ['*'],
      cluster: true,
    },
  ],
  new Map(),
)

/**
 * The guard for a configuration; one that lets everybody do everything where none is given.
 * @param logins there where clients show Kafka who they are
 * @throws ConfigError for a file that can't be read or used
 */
export function openGuard(
  { auth, allowedOrigins }: Pick<Config, 'auth' | 'allowedOrigins'>,
  secrets: ConstructorParameters<typeof Tickets>[0],
  log: Logger,
  logins?: Logins,
): OpenGuard {
  if (auth === undefined)
    return {
      guard: new Guard(undefined, undefined, allowedOrigins),
      tickets: undefined,
      reload: () => [],
      close: () => {},
    }
  const { keysFile, policyFile, jwt, failedLogins } = auth
  const keys = keysFile === undefined ? undefined : new KeyStore()
  const tokens = jwt && new JwtVerifier(jwt)
  // A ticket says who asks; what Kafka is to be shown it can't hold.
  const tickets = logins === undefined ? new Tickets(secrets, keys) : undefined
  const guard = new Guard(
    {
      ...(keys && { keys }),
      ...(tokens && { jwt: tokens }),
      ...(tickets && { tickets }),
      ...(logins && { logins }),
    },
    new FailedLogins(failedLogins),
    allowedOrigins,
  )
  const files: Pick<WatchedFile<unknown>, 'look' | 'close'>[] = []
  const watch = <T>(
    setting: string,
    path: string,
    parse: (text: string) => T,
    changed: (value: T) => void,
  ) => {
    try {
      files.push(new WatchedFile(path, parse, changed, log))
    } catch (error) {
      for (const file of files) file.close()
      throw new ConfigError(sentences(error).map((sentence) => `${setting}: ${sentence}`))
    }
  }
  if (policyFile === undefined) guard.replacePolicy(kafkaDecides)
  else watch('SLUICE_POLICY_FILE', policyFile, parsePolicy, (policy) => guard.replacePolicy(policy))
  if (keys !== undefined) {
    watch('SLUICE_API_KEYS_FILE', keysFile!, parseKeyFile, (file) => {
      keys.replace(file)
      guard.sweep()
    })
  }
  return {
    guard,
    tickets,
    reload() {
      tokens?.forget()
      return files.map((file) => file.look())
    },
    close() {
      for (const file of files) file.close()
    },
  }
}

function sentences(error: unknown): readonly string[] {
  if (error instanceof FileError) return error.problems
  return ['expected the path of a readable file']
}
