import { type Document, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { checkContents, FileError } from './file-error.ts'
import { operations, Policy, type Rule } from './policy.ts'
import type { LimitRule } from '../limits/caller-limits.ts'

const pattern = z
  .string()
  .regex(/^[^*]*\*?$/, 'expected a name, or a prefix that ends in *')
  .min(1)
const who = z
  .string()
  .regex(
    /^(\*|anonymous|(key|user|cert|role):\S+)$/,
    'expected key:ID, user:SUBJECT, cert:NAME, role:NAME, anonymous or *',
  )
const operation = z.enum([...operations, 'all'])

const RuleDocument = z
  .strictObject({
    name: z.string().min(1).max(100).optional(),
    to: z.array(who).min(1),
    allow: z.array(operation).min(1).optional(),
    deny: z.array(operation).min(1).optional(),
    topics: z.array(pattern).optional(),
    groups: z.array(pattern).optional(),
    cluster: z.boolean().optional(),
  })
  .refine(
    ({ allow, deny }) => (allow === undefined) !== (deny === undefined),
    'expected either allow or deny',
  )
  .refine(
    ({ topics, groups, cluster }) => topics !== undefined || groups !== undefined || cluster === true,
    'expected at least one of topics, groups and cluster: true',
  )

const limit = z.int().min(0)

const LimitDocument = z
  .strictObject({
    to: z.array(who).min(1),
    requestsPerSecond: limit.max(1_000_000).optional(),
    bytesPerSecond: limit.max(1_000_000_000_000).optional(),
    readBytesPerSecond: limit.max(1_000_000_000_000).optional(),
    streams: limit.max(1_000_000).optional(),
  })
  .refine(
    ({ to: _, ...limits }) => Object.values(limits).some((value) => value !== undefined),
    'expected at least one of requestsPerSecond, bytesPerSecond, readBytesPerSecond and streams',
  )

const PolicyDocument = z.strictObject({
  roles: z.record(z.string().regex(/^\S+$/), z.array(who)).optional(),
  rules: z.array(RuleDocument),
  limits: z.array(LimitDocument).optional(),
})

/**
 * Reads a policy, written in YAML or JSON.
 * @throws FileError
 */
export function parsePolicy(text: string): Policy {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  if (document.errors.length > 0) {
    throw new FileError(
      document.errors.map(({ message, pos }) => `line ${lines.linePos(pos[0]).line}: ${message}`),
    )
  }
  const contents = plain(document)
  const { roles = {}, rules, limits = [] } = checkContents(PolicyDocument, contents, 'the policy')
  return new Policy(rules.map(toRule), new Map(Object.entries(roles)), limits as LimitRule[])
}

/** Aliases of aliases of lists make gigabytes of a line. @throws FileError */
function plain(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch {
    throw new FileError(['the policy: expected no such number of aliases'])
  }
}

function toRule(document: z.output<typeof RuleDocument>, index: number): Rule {
  const { name = `rule ${index + 1}`, to, allow, deny, topics = [], groups = [], cluster = false } = document
  const listed = allow ?? deny!
  return {
    name,
    effect: allow === undefined ? 'deny' : 'allow',
    to,
    operations: new Set(listed.includes('all') ? operations : listed.filter((o) => o !== 'all')),
    topics,
    groups,
    cluster,
  }
}
