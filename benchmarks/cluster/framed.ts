/** A transport that has every message go through the bytes of its frame, checked on the way as what arrives from a socket is. */
import { frameReader } from '../../codecs/frame-reader.js'
import { encodeFrames } from '../../codecs/frames.js'
import { decodeMessage } from '../../codecs/messages.js'
import { isLeft, right } from '../../lib/prelude.js'
import type { LinkMessage } from '../../lib/requests.js'
import type { Links, Transport } from '../../streams/index.js'

const throughFrames = (messages: readonly LinkMessage[]): readonly LinkMessage[] => {
  const read = frameReader({ maxFrameBytes: 16 * 2 ** 20 }).push(Buffer.concat(encodeFrames(messages)))
  if (isLeft(read)) throw new Error(read.left.reason)
  return read.right.map(({ payload }) => {
    const message = decodeMessage(payload)
    if (isLeft(message)) throw new Error(message.left)
    return message.right
  })
}

export const framed = (transport: Transport): Transport => ({
  open: (endpoint, done) => transport.open(endpoint, outcome => {
    if (isLeft(outcome)) return done(outcome)
    const links: Links = outcome.right
    done(right({ ...links, send: (to, messages) => links.send(to, throughFrames(messages)) }))
  }),
})
