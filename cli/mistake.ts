/** A mistake of the person who typed the command: its message is all there is to say. */
export class Mistake extends Error {
  override readonly name = 'Mistake'
}

/** Nothing is wrong with what was typed, and yet it cannot be done: the message says what is in the way. */
export class Trouble extends Error {
  override readonly name = 'Trouble'
}
