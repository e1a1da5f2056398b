/** Whose requests are taken: those of programs that know where they go, and none that a web page has somebody's browser send. */
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

const hostOf = (header: string): string => {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(header)
  return (bracketed?.[1] ?? header.replace(/:\d*$/, '')).toLowerCase()
}

/** Whether a name is one with a port, which no `Host` is compared with. */
export const hasPort = (name: string): boolean => isIP(name) === 0 && /:\d*$/.test(name)

/**
 * Why a request with these headers is not taken. A page that rebinds its own name to this address still sends that name: only an address in
 * digits, localhost, and names that were given on purpose are taken.
 */
export const objectionTo = (headers: IncomingHttpHeaders, names: readonly string[]): string | undefined => {
  const site = headers['sec-fetch-site']
  if (headers.origin !== undefined || (site !== undefined && site !== 'none')) return 'requests of web pages are not taken'
  if (headers.host === undefined) return 'the request has no Host'
  const host = hostOf(headers.host)
  const isKnown = host === 'localhost' || isIP(host) !== 0 || names.includes(host)
  return isKnown ? undefined : `the Host "${host}" is not this endpoint: it is asked by its address, as localhost, or by a name that it was given: --control-name of rxraft serve, names of controlServer`
}
