/** Wishes for another membership, in words. */
import type { MembershipWish } from '../../lib/types.js'
import { words } from './build.js'

/** `+d` shall vote, `*d` too and must not yet, `?d` shall learn, `-d` shall go; `d:9` has that port; or `abandon`. */
export const wishOf = (text: string): MembershipWish => {
  const named = (sign: string): readonly string[] => words(text).filter(one => one.startsWith(sign)).map(one => one.slice(1))
  const addressed = (sign: string): Record<string, string> => Object.fromEntries(named(sign).map(one => {
    const [id = '', port = '1'] = one.split(':')
    return [id, `${id}:${port}`]
  }))
  return text === 'abandon' ? { type: 'abandon' } : { type: 'change', voters: { ...addressed('+'), ...addressed('*') }, learners: addressed('?'), remove: named('-'), newcomers: Object.keys(addressed('*')) }
}
