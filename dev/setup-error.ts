/** Something outside of this program keeps it from going on: one sentence for the user, with the way out. */
export class SetupError extends Error {}
