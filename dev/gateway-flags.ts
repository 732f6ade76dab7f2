/**
 * What V8 is told where a gateway is started by hand, as bin/sluice.mjs, `npm start` and the image have it: a larger young
 * generation, or an old one that more than doubles between two collections, only holds more garbage.
 */
export const GATEWAY_FLAGS = ['--max-semi-space-size=16', '--heap-growing-percent=150'] as const
