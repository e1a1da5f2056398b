/** Who is linked, and where the leader is, as those hear it who talk over links. */
import test from 'ava'
import type { MemberId } from '../../../lib/types.js'
import type { RaftState } from '../../../lib/state.js'
import { createLinked } from '../../../streams/transport/linked.js'
import type { Party } from '../../../streams/transport/port.js'
import { member } from '../../../testing/watch.js'
import { follower, leader } from '../../lib/states.js'
