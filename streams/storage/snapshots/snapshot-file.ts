/** No chunk of a snapshot's contents is longer, on the disk or where it is read. */
export const MAX_CHUNK_BYTES = 1024 * 1024
