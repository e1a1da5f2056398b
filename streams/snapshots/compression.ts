/** Snapshots that are smaller on the disk and on the wire than the state of the machine. */
import { Readable, type Transform, pipeline } from 'node:stream'
import * as zlib from 'node:zlib'
import type { Compression } from '../../lib/types.js'

type Method = Readonly<Record<'compress' | 'decompress', () => Transform>>

/** Newer versions of Node have zstd beside. */
const zstd = (): Method | undefined => {
  const { createZstdCompress: compress, createZstdDecompress: decompress } = zlib as { readonly createZstdCompress?: () => Transform; readonly createZstdDecompress?: () => Transform }
  return compress && decompress && { compress, decompress }
}

const METHODS: Readonly<Record<Exclude<Compression, 'none'>, Method | undefined>> = {
  gzip: { compress: () => zlib.createGzip({ level: 1 }), decompress: () => zlib.createGunzip() },
  zstd: zstd(),
}

/** Why this cannot be written and read here, if it cannot: not every version of Node has all of them. */
export const compressionFault = (compression: Compression): string | undefined =>
  compression === 'none' || METHODS[compression] !== undefined ? undefined : `${compression} is not in this version of Node, ${process.version}`

const method = (compression: Exclude<Compression, 'none'>): Method => {
  const found = METHODS[compression]
  if (found === undefined) throw new Error(compressionFault(compression))
  return found
}

/** A stream asks for the next chunk while it still has the last one, whose memory may be used again by then. */
async function* copied(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield new Uint8Array(chunk)
}

/** What comes out of `transform` when the chunks go in, as fast as it is asked for; who stops asking ends both. */
async function* through(chunks: AsyncIterable<Uint8Array>, transform: Transform): AsyncGenerator<Uint8Array> {
  // A failure on the way in is told where the way out is read.
  pipeline(Readable.from(copied(chunks), { objectMode: false }), transform, () => undefined)
  for await (const chunk of transform) yield chunk as Uint8Array
}

/** Goes on after a chunk that was asked for already. */
async function* behind(first: Promise<IteratorResult<Uint8Array, unknown>>, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isDone = false
  try {
    for (let result = await first; ; result = await iterator.next()) {
      isDone = result.done === true
      if (result.done === true) return
      yield result.value
    }
  } finally {
    if (!isDone) await iterator.return?.()
  }
}

/** The first chunk is asked for when the first of these is, as a machine may expect. */
async function* squeezed(chunks: AsyncIterable<Uint8Array>, { compress }: Method): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  const first = iterator.next()
  first.catch(() => undefined)
  yield* through(behind(first, iterator), compress())
}

export const compressed = (chunks: AsyncIterable<Uint8Array>, compression: Compression): AsyncIterable<Uint8Array> =>
  compression === 'none' ? chunks : squeezed(chunks, method(compression))

export const decompressed = (chunks: AsyncGenerator<Uint8Array>, compression: Compression): AsyncGenerator<Uint8Array> =>
  compression === 'none' ? chunks : through(chunks, method(compression).decompress())
