/** The few names this project takes from fp-ts, imported in the one form that Node resolves. */
export { type Either, isLeft, isRight, left, right } from 'fp-ts/lib/Either.js'

/** A case that the types rule out; reaching it is a broken invariant. */
export const unreachable = (value: never): never => {
  throw new Error(`unreachable case: ${JSON.stringify(value)}`)
}

/** Some of these options, or none of them: undefined says no more than leaving one out. */
export type SomeOf<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined }

/** Options with every one of them given. */
export type Complete<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> }
