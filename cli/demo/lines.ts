/** Cuts a stream of bytes after every newline; a line longer than `maxBytes` comes in pieces. Joined, the lines are the stream. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let open: Uint8Array[] = []
  let openBytes = 0
  for await (const chunk of bytes) {
    let from = 0
    while (from < chunk.length) {
      const newline = chunk.indexOf(0x0a, from)
      const lineEnd = newline < 0 ? chunk.length : newline + 1
      const end = Math.min(lineEnd, from + maxBytes - openBytes)
      open.push(chunk.subarray(from, end))
      openBytes += end - from
      from = end
      if ((newline >= 0 && end === lineEnd) || openBytes === maxBytes) {
        yield Buffer.concat(open)
        open = []
        openBytes = 0
      }
    }
  }
  if (openBytes > 0) yield Buffer.concat(open)
}

/** `count` lines of exactly `bytes` bytes each, for when there is no file. */
export async function* generatedLines(count: number, bytes: number): AsyncGenerator<Uint8Array> {
  const line = Buffer.alloc(bytes, '.')
  line[bytes - 1] = 0x0a
  for (let n = 0; n < count; n++) {
    line.write(`order ${n} `, 0, 'latin1')
    yield Uint8Array.from(line)
  }
}
