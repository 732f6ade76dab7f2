import type { DescribeAclsAnswer, WireAcl, WireAclFilter } from '../../wire/acl-apis.ts'
import {
  filterPatternTypes,
  nameOf,
  operations,
  patternTypes,
  permissions,
  resourceTypes,
} from './acl-names.ts'

/** One ACL as Kafka keeps it. */
export interface Acl {
  readonly resourceType: keyof typeof resourceTypes | 'unknown'
  readonly resourceName: string
  readonly patternType: keyof typeof patternTypes | 'unknown'
  readonly principal: string
  readonly host: string
  readonly operation: keyof typeof operations | 'unknown'
  readonly permission: keyof typeof permissions | 'unknown'
}

/** An ACL of which every part has a name, so that it can be made. */
export interface NewAcl extends Acl {
  readonly resourceType: keyof typeof resourceTypes
  readonly patternType: keyof typeof patternTypes
  readonly operation: keyof typeof operations
  readonly permission: keyof typeof permissions
}

/** Which ACLs are meant: what is left out may be anything. */
export interface AclFilter {
  readonly resourceType?: keyof typeof resourceTypes | undefined
  readonly resourceName?: string | undefined
  readonly patternType?: keyof typeof filterPatternTypes | undefined
  readonly principal?: string | undefined
  readonly host?: string | undefined
  readonly operation?: keyof typeof operations | undefined
  readonly permission?: keyof typeof permissions | undefined
}

const ANY = 1

export function toWireAcl(acl: NewAcl): WireAcl {
  return {
    resourceType: resourceTypes[acl.resourceType],
    resourceName: acl.resourceName,
    resourcePatternType: patternTypes[acl.patternType],
    principal: acl.principal,
    host: acl.host,
    operation: operations[acl.operation],
    permissionType: permissions[acl.permission],
  }
}

export function toWireFilter(filter: AclFilter): WireAclFilter {
  const { resourceType, patternType = 'any', operation, permission } = filter
  return {
    resourceType: resourceType === undefined ? ANY : resourceTypes[resourceType],
    resourceName: filter.resourceName ?? null,
    resourcePatternType: filterPatternTypes[patternType],
    principal: filter.principal ?? null,
    host: filter.host ?? null,
    operation: operation === undefined ? ANY : operations[operation],
    permissionType: permission === undefined ? ANY : permissions[permission],
  }
}

export function fromWireAcl(acl: WireAcl): Acl {
  return {
    resourceType: nameOf(resourceTypes, acl.resourceType),
    resourceName: acl.resourceName,
    patternType: nameOf(patternTypes, acl.resourcePatternType),
    principal: acl.principal,
    host: acl.host,
    operation: nameOf(operations, acl.operation),
    permission: nameOf(permissions, acl.permissionType),
  }
}

/** The ACLs of an answer of DescribeAcls, in Kafka's numbers. */
export function aclsOf({ resources }: DescribeAclsAnswer): WireAcl[] {
  return resources.flatMap(({ acls, ...resource }) => acls.map((acl) => ({ ...resource, ...acl })))
}

/** Equal for equal ACLs alone, and the order in which they are listed. */
export function keyOfAcl(acl: Acl): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = acl
  return JSON.stringify([resourceType, resourceName, patternType, principal, operation, permission, host])
}
