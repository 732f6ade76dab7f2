import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { FileError } from '../../auth/file-error.ts'
import { parseKeyFile } from '../../auth/key-file.ts'
import { parsePolicy } from '../../auth/policy-document.ts'
import type { Config } from '../../config/config.ts'
import { dateText, RENEW_MS } from '../certificates.ts'
import { counted, listed, ok, problem, type Verdict, warning } from '../finding.ts'

/** Anybody on the machine may read it. */
const READ_BY_OTHERS = 0o004

/** Why a file can't be read: for whoever runs the gateway, as whom this must be run. */
export function unreadable(error: unknown, subject: string): Verdict {
  const { code } = error as NodeJS.ErrnoException
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'this user may not read it',
    EISDIR: 'it is a folder',
  }
  return problem(
    reasons[code ?? ''] ?? 'it can not be read',
    code === 'EACCES'
      ? 'Let the user that runs the gateway read it: `chown` it, or give it a group and mode 0640.'
      : 'Correct the path.',
    subject,
  )
}

export function keysFileVerdict(path: string): Verdict | readonly Verdict[] {
  const subject = `SLUICE_API_KEYS_FILE ${path}`
  return using(path, subject, (text) => {
    const { keys } = parseKeyFile(text)
    const now = Date.now()
    // Null is for ever.
    const ends = keys.map(({ id, secrets }) => ({
      id,
      end: Math.max(
        ...secrets.map(({ expiresAt }) => (expiresAt === null ? Infinity : Date.parse(expiresAt))),
      ),
    }))
    const ended = ends.filter(({ end }) => end <= now)
    const soon = ends.filter(({ end }) => end > now && end < now + RENEW_MS)
    const all = counted(keys.length, 'key')
    if (keys.length === 0)
      return warning(
        'there is no key in it: nobody has one to show',
        'Make one with `sluice keys create ID`.',
        subject,
      )
    if (ended.length + soon.length === 0) return ok(all, subject)
    const parts = [
      ended.length > 0 && `${listed(ended.map(({ id }) => id))} ended`,
      soon.length > 0 && listed(soon.map(({ id, end }) => `${id} ends on ${dateText(new Date(end))}`)),
    ].filter((part) => part !== false)
    return warning(
      `${all}; ${parts.join('; ')}`,
      'Make a new secret with `sluice keys rotate ID`, or take the key away with `sluice keys revoke ID`.',
      subject,
    )
  })
}

export function policyFileVerdict(path: string): Verdict | readonly Verdict[] {
  const subject = `SLUICE_POLICY_FILE ${path}`
  return using(path, subject, (text) => {
    const { rules } = parsePolicy(text)
    if (rules.length === 0)
      return warning(
        'there is no rule in it: nobody may do anything',
        'Write rules (docs/security.md).',
        subject,
      )
    return ok(counted(rules.length, 'rule'), subject)
  })
}

function using(path: string, subject: string, look: (text: string) => Verdict): Verdict | readonly Verdict[] {
  try {
    return look(readFileSync(path, 'utf8'))
  } catch (error) {
    if (!(error instanceof FileError)) return unreadable(error, subject)
    return error.problems.map((line) =>
      problem(
        line,
        'Correct the file; `sluice policy check` and `sluice keys list` say whether it can be used.',
        subject,
      ),
    )
  }
}

/** Whether others than their owner and group can read files that hold secrets; of those that can be looked at. */
export function secretFilesVerdict(env: NodeJS.ProcessEnv): Verdict | readonly Verdict[] {
  const paths = secretFileSettings.flatMap((setting) => {
    const path = env[setting]
    return path === undefined || path === '' ? [] : [{ setting, path }]
  })
  const open = paths.filter(({ path }) => {
    try {
      return (statSync(path).mode & READ_BY_OTHERS) !== 0
    } catch {
      // Said by the check of the file itself.
      return false
    }
  })
  if (paths.length === 0) return ok('there are none')
  if (open.length === 0) return ok(`${paths.length}, read by nobody else`)
  return open.map(({ setting, path }) =>
    warning(
      'anybody on this machine may read it',
      `chmod o-rwx ${path} (of a Kubernetes secret: defaultMode 0440).`,
      `${setting} ${path}`,
    ),
  )
}

/** The file of API keys has hashes alone, and is still nobody else's affair. */
const secretFileSettings = [
  'SLUICE_API_KEYS_FILE',
  'SLUICE_TLS_KEY_FILE',
  'KAFKA_TLS_KEY_FILE',
  'KAFKA_TLS_KEY_PASSWORD_FILE',
  'KAFKA_SASL_PASSWORD_FILE',
  'KAFKA_SASL_TOKEN_FILE',
  'KAFKA_SASL_OAUTH_CLIENT_SECRET_FILE',
] as const

export function auditLogVerdict({ auditLog }: Config): Verdict {
  if (auditLog === undefined) return ok('there is none (SLUICE_AUDIT_LOG)')
  if (auditLog === 'stdout') return ok('on standard output')
  const fix = 'Let the user that runs the gateway write there, or correct the path.'
  try {
    accessSync(auditLog, constants.W_OK)
    return ok(`${auditLog} can be appended to`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      return problem('it can not be written', fix, auditLog)
  }
  try {
    accessSync(dirname(auditLog), constants.W_OK)
    return ok(`${auditLog} is not there yet, and can be made`)
  } catch {
    return problem('it is not there and can not be made', fix, auditLog)
  }
}
