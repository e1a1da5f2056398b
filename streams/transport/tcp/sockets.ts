import type { Either } from '../../../lib/prelude.js'
import type { Millis } from '../../../lib/types.js'
import type { Address } from './addresses.js'

/** What this end shows and whom it believes, in PEM: both ends of every connection prove who they are. */
export interface TlsMaterial {
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array
  /** The authority whose certificates are accepted, or several; no other is. */
  readonly ca: string | Uint8Array
}

/** What a certificate says of whoever shows it. */
export interface Certificate {
  /** For whom it vouches: its common name and its DNS names. */
  readonly names: readonly string[]
  /** Whether it is good for a member, whom others dial: for server authentication, and not for that of clients alone. */
  readonly isForMembers: boolean
  /** From when until when it is good, by the clock that dates. */
  readonly validFrom: Millis
  readonly validTo: Millis
}

/** Why a stream that was dialled has closed whose other end's system refused it, because nobody listens there; told of nothing else. */
export const REFUSED = 'ECONNREFUSED'

/** What a stream tells. Nothing is told during a call of one of the stream's own functions. */
export interface StreamEvents {
  /** Connected and, under TLS, authenticated: from now on bytes flow. Told once, at most. */
  opened(): void
  received(bytes: Uint8Array): void
  /** The last event, told exactly once, also for a stream that never opened. */
  closed(reason: string): void
}

/** One connection, as both of its ends see it. */
export interface ByteStream {
  /** The other end's address, for people. */
  readonly remote: string
  /** The other end's verified certificate; undefined without TLS and before it is open. */
  readonly certificate: Certificate | undefined
  /** Whether anything has come from the other end, under TLS as early as its handshake. */
  readonly hasSpoken: boolean
  /** Bytes handed to `write` that have not left this process. */
  readonly bufferedBytes: number
  /** Names the one listener; a later call replaces it. To be called in the turn in which the stream appeared. */
  attach(events: StreamEvents): void
  /** Nothing need be read for now; what was read already may still be told. */
  pause(): void
  resume(): void
  /** One write, in order; the chunks must not change afterwards. Without effect after `end`, `destroy` or closing. */
  write(chunks: readonly Uint8Array[]): void
  /** Closes once everything written has left, however long that takes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

export interface Listener {
  /** Where it listens, the port as the system chose it. */
  readonly address: Address
  /** Accepts nobody any more; `done` follows when all accepted streams are closed too. */
  close(done: () => void): void
}

/** Why listening failed; `code` is the system's, such as EADDRINUSE. */
export interface ListenFault {
  readonly code: string
  readonly message: string
}

/** What the wire needs of a network, and nothing more; a simulation replaces this and keeps frames, handshake and links. */
export interface Sockets {
  /** Why the material cannot be used, or its own certificate. */
  inspect(tls: TlsMaterial): Either<string, Certificate>
  /** `onStream` sees each connection before anything was read from it, under TLS before its handshake, for which `tls` is asked what to show. */
  listen(
    address: Address, tls: (() => TlsMaterial) | undefined, onStream: (stream: ByteStream) => void, done: (outcome: Either<ListenFault, Listener>) => void,
  ): void
  /** Begins to connect; `opened` or `closed` follows. */
  dial(address: Address, tls: TlsMaterial | undefined): ByteStream
}
