import { isLeft, right } from '../../../lib/prelude.js'
import { type Act, chain, succeed } from '../../act/act.js'
import type { Disk } from './disk.js'

/** What a file system, or a desktop, puts into a folder by itself: the first on a disk of its own, the others hidden. */
const isNobodys = (name: string): boolean => name === 'lost+found' || name.startsWith('.')

/** A folder in which nothing lies yet, as one that is to hold something later. */
const isEmptyFolder = (disk: Disk, path: string): Act<boolean, never> => done => disk.list(path, names => done(right(!isLeft(names) && names.right.length === 0)))

/**
 * What says that a folder is somebody else's, in words; undefined where nothing does. Looked at once, before a folder is made one's
 * own: whoever puts something beside what is there later is not asked about it.
 */
export const strangersIn = (disk: Disk, folder: string, names: readonly string[], isOwn: (name: string) => boolean): Act<string | undefined, never> => {
  const unknown = names.filter(name => !isOwn(name) && !isNobodys(name))
  const look = (i: number): Act<string | undefined, never> => {
    const name = unknown[i]
    if (name === undefined) return succeed(undefined)
    const more = unknown.length - i - 1
    return chain(isEmptyFolder(disk, `${folder}/${name}`), isEmpty => isEmpty ? look(i + 1) : succeed(`it holds ${name}${more === 0 ? '' : ` and ${more} more`}; give it a folder of its own`))
  }
  return look(0)
}
