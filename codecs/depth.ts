/** How deep JSON may nest, by the codec that reads it. */
import type * as t from 'io-ts'

/** What io-ts and this project's own codecs show of what they read through. */
interface Inside {
  readonly _tag?: string
  readonly type?: t.Mixed
  readonly types?: readonly t.Mixed[]
  readonly props?: t.Props
  readonly codomain?: t.Mixed
}

/** Those that read an object or a list. */
const OPENING: ReadonlySet<string | undefined> = new Set(['InterfaceType', 'PartialType', 'DictionaryType', 'ArrayType', 'ReadonlyArrayType', 'TupleType'])

const within = ({ type, types = [], props = {}, codomain }: Inside): readonly t.Mixed[] =>
  [type, codomain, ...types, ...Object.values(props)].filter(codec => codec !== undefined)

/** `codec`, which reads through others and would not show it. */
export const through = <A>(codec: t.Type<A, unknown>, ...types: readonly t.Mixed[]): t.Type<A, unknown> => Object.assign(codec, { types })

/** How deep that nests which a codec reads; what it takes as it is counts as nothing. */
export const depthOf = (codec: t.Decoder<never, unknown>): number =>
  Math.max(0, ...within(codec as Inside).map(depthOf)) + (OPENING.has((codec as Inside)._tag) ? 1 : 0)
