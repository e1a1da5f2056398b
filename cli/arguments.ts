/** What was typed, and what is wrong with it: the same sentences from every program here. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { isLeft } from '../lib/prelude.js'
import { type Address, parseAddress } from '../streams/transport/tcp/addresses.js'
import { Mistake } from './mistake.js'

/** Whatever it was that could not be done with what was typed, as a mistake in one line. */
export const asMistake = (error: unknown): Mistake =>
  error instanceof Mistake ? error : new Mistake((error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, ' '))

/** `--rounds -3` as `--rounds=-3`: no option here is a number, and whoever reads it says what is wrong with it. */
const withNumbers = (args: readonly string[], options: ParseArgsConfig['options'] = {}): string[] => args.flatMap((arg, i) => {
  const takesOne = (name: string | undefined): boolean => name !== undefined && name.startsWith('--') && options[name.slice(2)]?.type === 'string'
  if (/^-\d/.test(arg) && takesOne(args[i - 1])) return []
  const next = args[i + 1]
  return takesOne(arg) && next !== undefined && /^-\d/.test(next) ? [`${arg}=${next}`] : [arg]
})

/** Node's message without its advice on how to pass a value that begins with `-`. */
const firstSentence = (text: string): string => text.replace(/\. .*/, '')

/** `parseArgs`, to which whatever is not among the options is a mistake. */
export const parsed = <T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> => {
  const { args = process.argv.slice(2), options } = config
  try {
    return parseArgs<T>({ ...config, args: withNumbers(args, options) })
  } catch (error) {
    throw new Mistake(firstSentence(asMistake(error).message))
  }
}

/** The number after `--name`, in digits. */
export const wholeNumber = (name: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number => {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new Mistake(`--${name} takes a whole number${most === Number.MAX_SAFE_INTEGER ? `, ${least} or more` : ` from ${least} to ${most}`}, not "${text}"`)
}

/** What stands after `--name`, which cannot be left out. */
export const required = (name: string, value: string | undefined, what: string): string => {
  if (value === undefined || value === '') throw new Mistake(`--${name} is missing: ${what}`)
  return value
}

/** The address after `--name`, whose port may be 0 where the system is to choose it. */
export const addressBehind = (name: string, text: string, leastPort = 1): Address => {
  const address = parseAddress(text)
  if (isLeft(address) || address.right.port < leastPort) throw new Mistake(`--${name} takes an address "host:port", not "${text}"`)
  return address.right
}

/** What was typed in a list with commas. */
export const listed = (text: string): readonly string[] => text.split(',').map(item => item.trim()).filter(item => item !== '')

/** `NAME=VALUE`, once or more often, each name once. */
export const pairs = (name: string, texts: readonly string[], example: string): readonly (readonly [string, string])[] => {
  const found = texts.map((text): readonly [string, string] => {
    const at = text.indexOf('=')
    if (at < 1 || at === text.length - 1) throw new Mistake(`--${name} takes ${example}, not "${text}"`)
    return [text.slice(0, at), text.slice(at + 1)]
  })
  const twice = found.find(([key], i) => found.findIndex(([other]) => other === key) < i)
  if (twice !== undefined) throw new Mistake(`--${name} names ${twice[0]} twice`)
  return found
}

/** One of a few words. */
export const choice = <const T extends string>(name: string, text: string, words: readonly T[]): T => {
  const word = words.find(each => each === text)
  if (word === undefined) throw new Mistake(`--${name} takes ${words.slice(0, -1).join(', ')} or ${words.at(-1)}, not "${text}"`)
  return word
}

/** No more words than these may stand beside the options. */
export const atMost = (most: number, positionals: readonly string[], what: string): void => {
  if (positionals.length > most) throw new Mistake(`${what}, not "${positionals.join(' ')}"`)
}
