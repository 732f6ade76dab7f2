import * as client from '@platformatic/kafka'
import { family } from './apis.ts'

/** An ACL in Kafka's numbers (`ResourceType`, `PatternType`, `AclOperation`, `AclPermissionType`). */
export interface WireAcl {
  readonly resourceType: number
  readonly resourceName: string
  readonly resourcePatternType: number
  readonly principal: string
  readonly host: string
  readonly operation: number
  readonly permissionType: number
}

/** The same of a filter: null and 1 for any. */
export interface WireAclFilter extends Omit<WireAcl, 'resourceName' | 'principal' | 'host'> {
  readonly resourceName: string | null
  readonly principal: string | null
  readonly host: string | null
}

export interface DescribeAclsAnswer {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly resources: (Pick<WireAcl, 'resourceType' | 'resourceName' | 'resourcePatternType'> & {
    acls: Pick<WireAcl, 'principal' | 'host' | 'operation' | 'permissionType'>[]
  })[]
}

interface Outcome {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** Arguments: filter. Answered by any broker, of what it has heard. */
export const describeAcls = family<[filter: WireAclFilter], DescribeAclsAnswer>(
  client.describeAclsV3,
  client.describeAclsV2,
)

/** Arguments: ACLs. One that is there already is no error. */
export const createAcls = family<[acls: WireAcl[]], { results: Outcome[] }>(
  client.createAclsV3,
  client.createAclsV2,
)

/** Arguments: filters. Each is answered with the ACLs it removed. */
export const deleteAcls = family<
  [filters: WireAclFilter[]],
  { filterResults: (Outcome & { matchingAcls: (Outcome & WireAcl)[] })[] }
>(client.deleteAclsV3, client.deleteAclsV2)
