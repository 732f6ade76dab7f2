/** What must not be, by the number of the check that finds it. */
export const checks = {
  lost: 'C1',
  resurrected: 'C2',
  rewound: 'C3',
  double: 'C3',
  unasked: 'C3',
  unkept: 'C3',
  inconsistent: 'C4',
  duplicate: 'C5',
  torn: 'C5',
  skipped: 'C6',
  disordered: 'C6',
  reordered: 'C7',
  unseen: 'C8',
  late: 'C9',
  altered: 'C10',
  leaked: 'C11',
  stuck: 'C12',
} as const
export type Kind = keyof typeof checks

const MAX_SENTENCES = 20

/** What a check has found: counted by kind, and a sentence for each of the first. */
export class Findings {
  readonly counts: Partial<Record<Kind, number>> = {}
  readonly broken: string[] = []

  say(kind: Kind, sentence: string): void {
    const count = (this.counts[kind] ?? 0) + 1
    this.counts[kind] = count
    if (count <= MAX_SENTENCES) this.broken.push(`${checks[kind]} ${kind}: ${sentence}`)
  }

  of(kind: Kind): number {
    return this.counts[kind] ?? 0
  }
}
