/** What keeps `npm start` from going on: one sentence for the user, with the way out. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
