import * as client from '@platformatic/kafka'
import { family } from './apis.ts'

/** `resourceType` of a topic in DescribeConfigs and IncrementalAlterConfigs (Kafka's `ConfigResource.Type`). */
export const TOPIC_RESOURCE = 2
/**
 * The same of a broker; its name is its node id, and only it can answer. The empty name stands for what all brokers have
 * in common, which any broker can tell and change.
 */
export const BROKER_RESOURCE = 4

export interface ConfigAnswer {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  readonly configSource: number
  readonly isSensitive: boolean
  /** Where a value could come from, the one in force first; only where they were asked for, and not in what was created. */
  readonly synonyms?: { name: string; value: string | null; source: number }[]
  /** Kafka's `ConfigDef.Type`; from version 3 on. */
  readonly configType?: number
}

/** Arguments: resources (null keys for all of one's configs), includeSynonyms, includeDocumentation. */
export const describeConfigs = family<
  [
    resources: { resourceType: number; resourceName: string; configurationKeys: string[] | null }[],
    synonyms: boolean,
    documentation: boolean,
  ],
  {
    results: {
      errorCode: number
      errorMessage: string | null
      resourceName: string
      configs: ConfigAnswer[]
    }[]
  }
>(client.describeConfigsV4, client.describeConfigsV3, client.describeConfigsV2, client.describeConfigsV1)

/** `configOperation` of IncrementalAlterConfigs (Kafka's `AlterConfigOp.OpType`, KIP-339). */
export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

export interface AlterConfigsResource {
  readonly resourceType: number
  readonly resourceName: string
  /** Values of a list are separated by commas; null for DELETE. */
  readonly configs: readonly { name: string; configOperation: number; value: string | null }[]
}

/** Arguments: resources, validateOnly. */
export const incrementalAlterConfigs = family<
  [resources: AlterConfigsResource[], validateOnly: boolean],
  { responses: { errorCode: number; errorMessage: string | null }[] }
>(client.incrementalAlterConfigsV1)
