/** A mistake of the person who typed the command: its message is all there is to say. */
export class Mistake extends Error {
  override readonly name = 'Mistake'
}
