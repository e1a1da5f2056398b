let zeros = new Uint8Array(0)

/** Zeros that nobody writes to, shared by all that is not recorded: memory that is never touched is never given out. */
export const zerosOf = (length: number): Uint8Array => {
  if (zeros.length < length) zeros = new Uint8Array(2 ** Math.ceil(Math.log2(length)))
  return zeros.subarray(0, length)
}
