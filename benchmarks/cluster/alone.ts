/** A member that is alone in its cluster, with its data in a folder, and snapshots that are taken only when it is told to. */
import { type Machine, type Raft, createRaft, fileStorage, orThrow, tcpTransport } from '../../streams/index.js'
import { withBallast } from './ballast.js'
import type { Workload } from './workloads.js'

export interface Alone {
  readonly folder: string
  readonly address: string
  /** So much larger than the state are its snapshots. */
  readonly mebibytes: number
}

/** `watched`: the same machine, with somebody who looks on. */
export const openAlone = async <C, S>({ machine }: Workload<C, S>, { folder, address, mebibytes }: Alone, watched = (machine: Machine<C, null, S>): typeof machine => machine): Promise<Raft<C, null, S>> =>
  orThrow(await createRaft({
    cluster: 'bench', id: 'n1', members: { n1: address }, machine: watched(withBallast(machine, mebibytes)), transport: tcpTransport(), storage: fileStorage(folder),
    limits: { snapshotEntries: 1_000_000_000, snapshotBytes: 2 ** 30, snapshotKeepEntries: 0 },
  }))
