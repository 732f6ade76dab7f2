import { median } from '../../bench/harness/statistics.ts'

/** A point of a series. */
export type Point = readonly [x: number, y: number]

/**
 * The slope of the line through points that a few outliers do not move: the median of the slopes between any two of them
 * (Theil 1950, Sen 1968). NaN where there are not two.
 */
export function theilSenSlope(points: readonly Point[]): number {
  const slopes: number[] = []
  for (let i = 0; i < points.length; i++) {
    for (let j = i + 1; j < points.length; j++) {
      const dx = points[j]![0] - points[i]![0]
      if (dx !== 0) slopes.push((points[j]![1] - points[i]![1]) / dx)
    }
  }
  return median(slopes)
}
