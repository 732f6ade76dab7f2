import { type AlterConfigsResource, ConfigOperation } from '../../wire/config-apis.ts'

/** What to change of a resource's configs and nothing else (KIP-339). A name stands in one of the three only. */
export interface ConfigChanges {
  /** Null takes a config back to what it would be without. */
  readonly set: ReadonlyMap<string, string | null>
  /** Values to add to a list; those it has already stay as they are. */
  readonly append: ReadonlyMap<string, readonly string[]>
  /** Values to take out of a list; those it does not have are passed over. */
  readonly subtract: ReadonlyMap<string, readonly string[]>
}

/** The names of all that changes. */
export function changedNames({ set, append, subtract }: ConfigChanges): string[] {
  return [...set.keys(), ...append.keys(), ...subtract.keys()]
}

export function toOperations({ set, append, subtract }: ConfigChanges): AlterConfigsResource['configs'] {
  const { SET, DELETE, APPEND, SUBTRACT } = ConfigOperation
  return [
    ...[...set].map(([name, value]) => ({ name, configOperation: value === null ? DELETE : SET, value })),
    ...[...append].map(([name, values]) => ({ name, configOperation: APPEND, value: values.join(',') })),
    ...[...subtract].map(([name, values]) => ({ name, configOperation: SUBTRACT, value: values.join(',') })),
  ]
}

/** The values of a config that is a list, as Kafka reads them; none where it is not set. */
export function listOf(text: string | null | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '')
}
