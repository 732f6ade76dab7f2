/** The first level of feature `metadata.version` of each release (Kafka's `MetadataVersion.java`). */
const releases: readonly (readonly [level: number, release: string])[] = [
  [1, '3.0'],
  [2, '3.1'],
  [3, '3.2'],
  [4, '3.3'],
  [8, '3.4'],
  [9, '3.5'],
  [12, '3.6'],
  [15, '3.7'],
  [20, '3.8'],
  [21, '3.9'],
  [22, '4.0'],
  [26, '4.1'],
  [28, '4.2'],
  [30, '4.3'],
]
/** The last level known to belong to the last release above. */
const LAST_LEVEL = 30

/** The feature whose levels follow Kafka's releases. */
export const METADATA_VERSION = 'metadata.version'

/** The release that a level of `metadata.version` came with; null for one that is not known here, such as a later one. */
export function releaseOf(level: number | undefined): string | null {
  if (level === undefined || level > LAST_LEVEL) return null
  return releases.findLast(([first]) => first <= level)?.[1] ?? null
}
