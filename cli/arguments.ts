/** What was typed, and what is wrong with it: the same sentences from every program here. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
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

/** `parseArgs`, to which whatever is not among the options is a mistake. */
export const parsed = <T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> => {
  const { args = process.argv.slice(2), options } = config
  try {
    return parseArgs<T>({ ...config, args: withNumbers(args, options) })
  } catch (error) {
    throw asMistake(error)
  }
}

/** The number behind `--name`, in digits. */
export const wholeNumber = (name: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number => {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new Mistake(`--${name} takes a whole number${most === Number.MAX_SAFE_INTEGER ? `, ${least} or more` : ` from ${least} to ${most}`}, not "${text}"`)
}
