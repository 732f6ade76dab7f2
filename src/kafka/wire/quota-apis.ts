import * as client from '@platformatic/kafka'
import { family } from './apis.ts'

/** One part of whom a quota is for; a null name is the default. */
export interface WireQuotaPart {
  readonly entityType: string
  readonly entityName: string | null
}

export interface DescribeQuotasAnswer {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly entries: { entity: WireQuotaPart[]; values: { key: string; value: number }[] }[] | null
}

/** `match_type` of a part in DescribeClientQuotas. */
export const MATCH_EXACT = 0
export const MATCH_DEFAULT = 1

/** Arguments: parts that have to be there, and whether no others may be. */
export const describeQuotas = family<
  [parts: { entityType: string; matchType: number; match: string | null }[], strict: boolean],
  DescribeQuotasAnswer
>(client.describeClientQuotasV1)

/** Arguments: entries, each answered in its place, and whether only to validate them. */
export const alterQuotas = family<
  [
    entries: { entities: WireQuotaPart[]; ops: { key: string; value: number; remove: boolean }[] }[],
    validateOnly: boolean,
  ],
  { entries: { errorCode: number; errorMessage: string | null; entity: WireQuotaPart[] }[] }
>(client.alterClientQuotasV1)
