/** What JSON carries as it is: then whoever encodes a value need not read it back to know that everybody else can. */
import * as t from 'io-ts'
import { fitsAsItIs } from './report.js'

/** A codec of io-ts, of which only what it is made of matters here. */
interface CodecShape {
  readonly _tag?: string
  readonly type?: CodecShape
  readonly types?: readonly CodecShape[]
  readonly props?: Readonly<Record<string, CodecShape>>
  readonly domain?: CodecShape
  readonly codomain?: CodecShape
}

/** Of these every value is the same again when it has been JSON, whatever looks at it. */
const WORDS: ReadonlySet<object> = new Set<object>([t.string, t.boolean])

/** And of these, too, or it shows there as `null`, or is left out where it may be: only the sign of a zero is lost. */
const LEAVES: ReadonlySet<object> = new Set<object>([...WORDS, t.null, t.undefined, t.void, t.number, t.Int])

const isWord = (codec: CodecShape): boolean => WORDS.has(codec) || codec._tag === 'KeyofType' || (codec._tag === 'RefinementType' && codec.type !== undefined && isWord(codec.type))

const partsOf = ({ _tag, type, types, props, domain, codomain }: CodecShape): readonly (CodecShape | undefined)[] | undefined => {
  switch (_tag) {
    case 'InterfaceType': case 'PartialType': case 'StrictType': return props && Object.values(props)
    case 'UnionType': case 'IntersectionType': case 'TupleType': return types
    case 'ArrayType': case 'ReadonlyArrayType': case 'ReadonlyType': case 'ExactType': case 'RecursiveType': return [type]
    case 'DictionaryType': return [domain, codomain]
    default: return undefined
  }
}

/** Made of leaves by what io-ts puts together; one that is met again on the way is not looked into twice. */
const isMadeOfLeaves = (codec: CodecShape | undefined, met: Set<CodecShape> = new Set()): boolean => {
  if (codec === undefined) return false
  if (met.has(codec) || LEAVES.has(codec) || codec._tag === 'LiteralType' || isWord(codec)) return true
  met.add(codec)
  return partsOf(codec)?.every(part => isMadeOfLeaves(part, met)) ?? false
}

const known = new WeakMap<object, boolean>()

const isPlain = (codec: object): boolean => {
  const found = known.get(codec)
  if (found !== undefined) return found
  const plain = isMadeOfLeaves(codec)
  known.set(codec, plain)
  return plain
}

/**
 * Whether `text`, which is the value's JSON, is certain to be read as that value, found in a fifth of the time that reading takes. A number that JSON has not shows
 * as `null`; what an object hides from JSON, behind `toJSON` or a getter of its class, does not show, nor does what was done to a copy of a codec: the leader refuses that.
 */
export const isCarried = <A>(codec: t.Type<A, unknown>, value: A, text: string): boolean =>
  isPlain(codec) && !text.includes('null') && fitsAsItIs(codec, value)
