/** Mistakes with what a disk keeps, and what is found there. */
import type { Mutation } from './mutation.js'

const STORAGE = 'test/streams/storage'

export const STORE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a follower keeps another time than the leader has given', file: 'lib/storing.ts', seed: 1, killer: ['test/simulation/watched.test.ts', 'members that do as they should*'],
    from: 'state.log = append(state.log, batches)', to: "state.log = append(state.log, state.role === 'follower' ? batches.map(batch => ({ ...batch, time: batch.time + 1 })) : batches)",
  },
  {
    name: 'writes are confirmed before they are synced', file: 'streams/storage/log/group-commit.ts', killer: [`${STORAGE}/storage-crash.test.ts`, '*leaves nothing unsynced*'],
    from: 'return inOrder(writeFully(file, encodeGroup(group, tail, key.seed, writing.room), tail), file.datasync)', to: 'return writeFully(file, encodeGroup(group, tail, key.seed, writing.room), tail)',
  },
  {
    name: 'a new segment\'s name is not synced', file: 'streams/storage/log/segment-files.ts', killer: [`${STORAGE}/storage-crash.test.ts`, '*leaves nothing unsynced*'],
    from: 'inOrder(done => disk.rename(temporary(path), path, done), syncFolder(disk, folder))', to: 'inOrder(done => disk.rename(temporary(path), path, done))',
  },
  {
    name: 'a segment that is written to is prepared anew', file: 'streams/storage/log/segment-files.ts', killer: [`${STORAGE}/storage.test.ts`, 'a segment that was handed out*'],
    unseen: 'the log asks in time',
    from: ' && current.number >= handed', to: '',
  },
  {
    name: 'a failed sync passes for done', file: 'streams/storage/log/group-commit.ts', killer: [`${STORAGE}/storage.test.ts`, 'a failed write of an append*'],
    from: 'if (isLeft(outcome)) writing.options.clock.endOfTurn(', to: 'if (isLeft(outcome) && outcome.left.code !== \'EIO\') writing.options.clock.endOfTurn(',
  },
  {
    name: 'a peer for which a full disk has no room ends the store', file: 'streams/storage/files/peer-memory.ts', killer: [`${STORAGE}/peer-memory.test.ts`, '*is not remembered*create ENOSPC'],
    unseen: 'a full disk ends a member by its log as well',
    from: 'if (isLeft(outcome)) tryAgain()', to: 'if (isLeft(outcome)) options.fail(outcome.left)',
  },
  {
    name: 'a peer passes for remembered while it is in doubt what the file says', file: 'streams/storage/files/peer-memory.ts', killer: [`${STORAGE}/peer-memory.test.ts`, 'nobody is taken for remembered*'],
    unseen: 'no simulated process runs out of files',
    from: '!isInDoubt && identity', to: 'identity',
  },
  {
    name: 'what cannot be read for one who follows the log ends the member', file: 'streams/pipeline/persist.ts', killer: ['test/streams/pipeline/persist.test.ts', 'what could not be read*'],
    unseen: 'no simulated process runs out of files',
    from: '&& (!isFollowing || event.error instanceof Damaged)', to: '',
  },
  {
    name: 'a snapshot for which there was no file left passes for unreadable', file: 'streams/storage/file-snapshots.ts', killer: [`${STORAGE}/want-of-files.test.ts`, 'a snapshot that could not be opened so*'],
    unseen: 'no simulated process runs out of files',
    from: '!hasNotBegun(outcome.left) && ', to: '',
  },
  {
    name: 'a log that has lost what was committed passes for whole', file: 'streams/storage/reconcile.ts', killer: [`${STORAGE}/lost-end.test.ts`, 'a start refuses it*'],
    unseen: 'no simulated disk forgets what it confirmed and keeps what came after it',
    from: 'return committed > last ?', to: 'return committed > last + 1000 ?',
  },
  {
    name: 'a torn tail keeps the member from starting', file: 'streams/storage/log/segment-scan.ts', killer: [`${STORAGE}/storage-damage.test.ts`, 'a last write*'],
    from: 'isTorn: hasFillSector(key, window.bytes(), position, position + length) }', to: 'isTorn: false }',
  },
  {
    name: 'damage in the middle passes for a torn tail', file: 'streams/storage/log/segment-scan.ts', killer: [`${STORAGE}/storage-damage.test.ts`, 'a last write*'],
    from: 'isTorn: hasFillSector(key, window.bytes(), position, position + length) }', to: 'isTorn: true }',
  },
  {
    name: 'a log is cut where something replaced what its base stands for', file: 'streams/storage/log/segment-notes.ts',
    killer: [`${STORAGE}/compaction.test.ts`, 'where a segment replaces its own base*'],
    unseen: 'no seed cuts a log in the very segment in which a new leader replaced its beginning',
    from: '(isAnew || base <= index) && lowest > base)', to: '(isAnew || base <= index))',
  },
  {
    name: 'a start believes the first base that is left', file: 'streams/storage/log/log-collector.ts',
    killer: [`${STORAGE}/compaction.test.ts`, 'a removal*several segments was*'],
    unseen: 'it takes a crash between two removals',
    from: 'isTentative = !isInstall && segment > 1', to: 'isTentative = false',
  },
  {
    name: 'a log that a durable snapshot was to replace is believed', file: 'streams/storage/reconcile.ts',
    killer: ['test/ports/storage.test.ts', 'memory: a log that does not hold*'],
    unseen: 'it takes a crash between a snapshot and the write that follows it',
    from: '=== term ? undefined : { index, term, membership }', to: '=== undefined ? undefined : undefined',
  },
  {
    name: 'what was received is believed without its checksum', file: 'streams/storage/serve-snapshots.ts',
    killer: ['test/ports/storage.test.ts', 'memory: contents that are not*'],
    unseen: 'no simulated link changes what it carries',
    from: 'found.bytes === bytes && found.checksum === checksum ? finish', to: 'found.bytes === bytes ? finish',
  },
  {
    name: 'a log that a durable snapshot was to replace is shown and planned with', file: 'streams/storage/survey.ts',
    killer: ['test/cli/folders.test.ts', 'where an install was interrupted*'],
    unseen: 'no member looks at a folder so',
    from: 'found.log && unfinished ? {', to: 'found.log && unfinished && !identity ? {',
  },
  {
    name: 'an unused segment of a later version, or of another cluster, is dropped', file: 'streams/storage/log/scan-file.ts',
    killer: [`${STORAGE}/survey.test.ts`, '*an unused segment*'],
    unseen: 'no seed mixes folders or versions',
    from: "return outcome.left instanceof Damaged ? right('unfinished') : outcome", to: "return right('unfinished')",
  },
  {
    name: 'a failure is told before what was written until then', file: 'streams/storage/log/group-commit.ts',
    killer: [`${STORAGE}/storage.test.ts`, 'where no segment could be prepared*'],
    unseen: 'whoever hears of a failed write ends',
    from: 'if (isLeft(outcome)) writing.options.clock.endOfTurn(() => {\n      writing.isBusy = false\n      fail(writing, outcome.left)\n      pump(writing)\n    })',
    to: 'if (isLeft(outcome)) {\n      writing.isBusy = false\n      fail(writing, outcome.left)\n      pump(writing)\n    }',
  },
  {
    name: 'behind a sync that has not begun another segment is removed', file: 'streams/storage/log/drop-segments.ts',
    killer: [`${STORAGE}/compaction.test.ts`, 'behind a sync that has not begun*'],
    unseen: 'no simulated disk runs out of files',
    from: 'if (isLeft(synced)) return rest()\n', to: '\n',
  },
  {
    name: 'a start believes names that a failed sync left in the cache', file: 'streams/storage/store-folder.ts',
    killer: [`${STORAGE}/folder-sync.test.ts`, 'what a failed sync*a peer is remembered'],
    unseen: 'it takes a crash soon after a start',
    from: "syncFound(disk, folder, temporary(NAMES_FILE))", to: 'syncFolder(disk, folder)',
  },
]
