/** Letters under way, at the end of a world's numbers: ascending, each once, and only so many on a link. */

/** Where the letters begin. */
export const MAIL = 5

export interface Mail {
  /** Adds letters to the world in `words`; the world's new length. */
  readonly post: (words: Uint32Array, length: number, letters: readonly number[]) => number
}

interface Letter { readonly message: { readonly term: number }; readonly link: number }

export const createMail = (perLink: number, links: number, letterOf: (letter: number) => Letter): Mail => {
  const load = new Uint8Array(links)
  const insert = (words: Uint32Array, letter: number, length: number): number => {
    let at = length
    while (at > MAIL && words[at - 1]! > letter) at--
    if (at > MAIL && words[at - 1] === letter) return length
    words.copyWithin(at + 1, at, length)
    words[at] = letter
    return length + 1
  }
  /** A link that carries too much loses the letter of the lowest term. */
  const lose = (words: Uint32Array, link: number, length: number): number => {
    let lost = -1
    for (let at = MAIL; at < length; at++) {
      const letter = letterOf(words[at]!)
      if (letter.link === link && (lost < 0 || letter.message.term < letterOf(words[lost]!).message.term)) lost = at
    }
    words.copyWithin(lost, lost + 1, length)
    return length - 1
  }
  return {
    post: (words, length, letters) => {
      if (letters.length === 0) return length
      let end = length
      for (const letter of letters) end = insert(words, letter, end)
      load.fill(0)
      for (let at = MAIL; at < end; at++) load[letterOf(words[at]!).link]!++
      for (let link = 0; link < links; link++) for (let over = load[link]! - perLink; over > 0; over--) end = lose(words, link, end)
      return end
    },
  }
}
