import type { Address } from '../../streams/transport/tcp/addresses.js'
import { addressBehind, listed, required } from '../arguments.js'
import { Mistake } from '../mistake.js'

/** The option that every command has which asks members. */
export const AT = { at: { type: 'string' } } as const

/** What it is for; the words begin at `column`, as those of the options below it. */
export const atHelp = (column: number): string =>
  `${'  --at HOST:PORT[,…]'.padEnd(column)}the control endpoints of members; the first one that can answer does. Without it RXRAFT_AT in the environment is taken`

export const AT_HELP = atHelp(23)

/** The control endpoints behind `--at`, in the order in which they are asked. */
export const endpointsBehind = (at: string | undefined): readonly Address[] => {
  const addresses = listed(required('at', at ?? process.env['RXRAFT_AT'], 'the control endpoints of members, as host:port, here or in RXRAFT_AT'))
  if (addresses.length === 0) throw new Mistake('--at names no endpoint')
  // As a URL it is what serve says of its control, and what curl takes.
  return addresses.map(text => addressBehind('at', text.replace(/^http:\/\/([^/]*)\/?$/, '$1')))
}
