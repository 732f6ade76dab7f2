const MIN_MS = 20

/** How long to wait after so many failures in a row: doubling up to `most`, and never all at the same moment. */
export function backoffMs(failures: number, most: number): number {
  return Math.min(most, MIN_MS * 2 ** failures) * (0.5 + Math.random() / 2)
}
