import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { MAX_POSITION } from '../../codecs/bytes.js'
import type { Index, Millis } from '../../lib/types.js'
import { type Address, formatAddress } from '../../streams/transport/tcp/addresses.js'
import { AT, AT_HELP, endpointsBehind } from '../ask/endpoints.js'
import { EXIT, tellRefusal } from '../ask/outcomes.js'
import { atMost, parsed, wholeNumber } from '../arguments.js'
import type { Command } from '../command.js'
import { Trouble } from '../mistake.js'
import { type WatchLine, follow } from './follow.js'
import { printable, printableJson } from '../words.js'

/** Before the next endpoint is asked, once all were asked in vain. */
const AGAIN_MS: Millis = 500

const HELP = `rxraft watch --at HOST:PORT[,…] [--from INDEX]

Prints what is committed, in log order and without a gap, and who leads, until it is interrupted. When the member that tells it goes away, the next
one of --at tells on after the last entry that was printed. Where no log of those that answer reaches back to INDEX, that is told, and it goes on after
what the member has applied by then: the state there is for rxraft read. Whoever reads slowly is told later, and holds nobody up. Where nobody
answers that is told on standard error, and they are asked again and again, without an end.

${AT_HELP}
  --from INDEX         from this position of the log on; from what comes next unless told otherwise
  --count N            ends after N commits
  --json               the lines as they come, JSON objects: {"type": "commit", "index", "term", "time", "command"}, {"type": "restored", …} and
                       {"type": "leadership", "term", "leader"}
  --help               this text

Exit codes: 0 after --count; 1 the member refuses; 2 a mistake in the arguments.

  rxraft watch --at 127.0.0.1:8001,127.0.0.1:8002 --from 1 --json --count 3
`

const words = ({ type, index, term, time, command, leader }: WatchLine['value']): string => {
  if (type === 'commit') return `${String(index)}@${String(term)}  ${new Date(Number(time)).toISOString()}  ${JSON.stringify(command)}`
  if (type === 'restored') return `the log no longer reaches back that far: what precedes ${Number(index) + 1} is not told`
  return leader === null ? `no leader is known in term ${String(term)}` : `${String(leader)} leads term ${String(term)}`
}

/** What concerns the stream, and not the cluster. */
const OF_THE_STREAM: readonly unknown[] = ['watching', 'alive', 'ended']

/** Prints lines, each once whoever tells them, and knows where to go on. */
const createPrinter = (isJson: boolean, from: Index | undefined, count: number) => {
  let next = from
  let left = count
  let leadership: string | undefined
  const isNews = ({ text, value: { type } }: WatchLine): boolean => {
    if (type !== 'leadership') return !OF_THE_STREAM.includes(type)
    if (text === leadership) return false
    leadership = text
    return true
  }
  return {
    next: () => next,
    print: async (line: WatchLine): Promise<boolean> => {
      const { type, index, from: begin, message } = line.value
      if (type === 'failed') throw new Trouble(`The member cannot go on telling: ${String(message)}`)
      if (type === 'watching') next ??= Number(begin)
      if (type === 'commit' || type === 'restored') next = Number(index) + 1
      if (type === 'commit') left--
      if (isNews(line) && !process.stdout.write(`${isJson ? printableJson(line.text) : printable(words(line.value))}\n`)) await once(process.stdout, 'drain')
      return left > 0
    },
  }
}

const run = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parsed({
    args: [...args], options: { ...AT, from: { type: 'string' }, count: { type: 'string' }, json: { type: 'boolean' } }, allowPositionals: true,
  })
  const endpoints = endpointsBehind(values.at)
  const from = values.from === undefined ? undefined : wholeNumber('from', values.from, 1, MAX_POSITION)
  const count = values.count === undefined ? Number.POSITIVE_INFINITY : wholeNumber('count', values.count, 1)
  atMost(0, positionals, 'nothing beside the options')
  const isJson = values.json === true
  const printer = createPrinter(isJson, from, count)
  const said = new Set<string>()
  const say = (at: Address, why: string): void => {
    const text = `${printable(`${formatAddress(at)}: ${why}`)}\n`
    if (!said.has(text)) process.stderr.write(text)
    said.add(text)
  }
  /** Who cannot tell what comes next. */
  const vain = new Set<Address>()
  for (let i = 0; ; i++) {
    const at = endpoints[i % endpoints.length]!
    vain.delete(at)
    let isShort = false
    const end = await follow(at, printer.next(), line => {
      said.clear()
      const { type } = line.value
      // Another one's log may reach back further.
      isShort = type === 'restored' && vain.size < endpoints.length - 1
      if (type === 'commit') vain.clear()
      return isShort ? Promise.resolve(false) : printer.print(line)
    })
    if (end.type === 'enough' && !isShort) return EXIT.done
    if (end.type === 'refused' && end.refusal.tag !== 'Busy') return tellRefusal(end.refusal, isJson)
    say(at, end.type === 'cut' ? end.reason : end.type === 'refused' ? end.refusal.message : `its log no longer reaches back to ${printer.next() ?? 1}`)
    vain.add(at)
    if (i % endpoints.length === endpoints.length - 1) await wait(AGAIN_MS)
  }
}

export const command: Command = { help: HELP, run }
