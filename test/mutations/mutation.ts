/** One mistake: a small change to one file, and the check that must notice it. */
export interface Mutation {
  /** What goes wrong with it. */
  readonly name: string
  readonly file: string
  /** Stands in the file exactly once. */
  readonly from: string
  readonly to: string
  /** The test file that notices, and the title, where one test is enough. */
  readonly killer: readonly [file: string, match?: string]
  /** Why no seed of the simulation can notice it. */
  readonly unseen?: string
  /** A seed that notices, kept where one in a few does. */
  readonly seed?: number
}
