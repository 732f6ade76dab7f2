// A TimeoutError carries NetworkError's code: the constructor passes `NetworkError.code` on where `TimeoutError.code` belongs.
// Whoever tells errors by code retries what has run out of time as if it had never been sent.
import { TimeoutError } from '@platformatic/kafka'

const { code } = new TimeoutError('too late')
console.log(`TimeoutError.code is ${TimeoutError.code}, that of an instance ${code}`)
process.exitCode = code === TimeoutError.code ? 1 : 0
