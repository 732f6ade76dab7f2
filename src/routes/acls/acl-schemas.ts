import { z } from 'zod'
import type { Acl as KafkaAcl, AclFilter } from '../../kafka/admin/acls/acl.ts'
import {
  filterPatternTypes,
  operations,
  patternTypes,
  permissions,
  resourceTypes,
  UNKNOWN,
} from '../../kafka/admin/acls/acl-names.ts'
import { ItemError } from '../results.ts'

function names<T extends string>(table: Readonly<Record<T, number>>): [T, ...T[]] {
  return Object.keys(table) as [T, ...T[]]
}

/** Characters; a topic's name has 249 at most, a certificate's subject more. */
const MAX_NAME_LENGTH = 1_024
const name = z.string().min(1).max(MAX_NAME_LENGTH)

/** `User` is the one type that Kafka's own authenticators give; others may have more. */
const principal = name
  .regex(/^[^:]+:/, "expected TYPE:NAME, such as User:alice, or User:* for everyone's")
  .meta({ example: 'User:alice' })
export const exampleAcl = {
  resourceType: 'topic',
  resourceName: 'orders',
  patternType: 'literal',
  principal: 'User:alice',
  host: '*',
  operation: 'read',
  permission: 'allow',
} as const

const described = {
  resourceName: name.describe(
    'A name, the beginning of names where `patternType` is `prefixed`, or `*` for all; `kafka-cluster` of type `cluster`.',
  ),
  principal: principal.describe('Whom it is about: `TYPE:NAME`, or `User:*` for everyone.'),
  host: name.describe('The address it is about, or `*` for all.'),
}

/** One ACL, to be made; what can have a default has that of Kafka's own tool. */
export const NewAcl = z
  .strictObject({
    resourceType: z.enum(names(resourceTypes)),
    resourceName: described.resourceName,
    patternType: z.enum(names(patternTypes)).default('literal'),
    principal: described.principal,
    host: described.host.default('*'),
    operation: z.enum(names(operations)),
    permission: z.enum(names(permissions)).default('allow'),
  })
  .meta({ id: 'NewAcl', example: exampleAcl })

const members = {
  resourceType: z.enum([...names(resourceTypes), UNKNOWN]),
  resourceName: z.string(),
  patternType: z.enum([...names(patternTypes), UNKNOWN]),
  principal: z.string(),
  host: z.string(),
  operation: z.enum([...names(operations), UNKNOWN]),
  permission: z.enum([...names(permissions), UNKNOWN]),
}

/** One ACL as it is. `unknown` is what a Kafka newer than the gateway says. */
export const Acl = z.strictObject(members).meta({ id: 'Acl', example: exampleAcl })

/** One ACL of a change. */
export const AclResult = z
  .strictObject({
    ...members,
    existed: z.boolean().optional().describe('Of one to be made: whether it was there already.'),
    error: ItemError,
  })
  .meta({ id: 'AclResult', example: { ...exampleAcl, existed: false } })

export const AclResults = z
  .strictObject({
    results: z.array(AclResult),
    dryRun: z.boolean().describe('Whether nothing was changed, because that was asked for.'),
  })
  .meta({ id: 'AclResults', example: { results: [{ ...exampleAcl, existed: false }], dryRun: false } })

/** The parameters that say which ACLs are meant. */
export const aclFilter = {
  resourceType: z.enum(names(resourceTypes)).optional(),
  resourceName: name.optional().describe('Exactly this name; see `patternType`.'),
  patternType: z
    .enum(names(filterPatternTypes))
    .default('any')
    .describe(
      '`literal` and `prefixed` find ACLs of that type alone, `any` both. With `match`, `resourceName` is the name of a ' +
        'resource, and all that apply to it are found: of its name, of a beginning of it, and of `*`.',
    ),
  principal: principal.optional().describe('Exactly this one: `User:*` finds those for everyone alone.'),
  host: name.optional().describe('Exactly this one.'),
  operation: z.enum(names(operations)).optional(),
  permission: z.enum(names(permissions)).optional(),
}

/** Whether a filter leaves any ACL out. */
export function isNarrow({ patternType, ...filter }: AclFilter): boolean {
  return (
    patternType === 'literal' ||
    patternType === 'prefixed' ||
    Object.values(filter).some((value) => value !== undefined)
  )
}

export function toAclDocument(acl: KafkaAcl): z.input<typeof Acl> {
  return { ...acl }
}
