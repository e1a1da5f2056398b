/**
 * The heart of a member:
 *
 *     received$ ────┐
 *     proposed$ ────┤  inbox: merge, then one
 *     ticks$ ───────┤  Batch per turn of ─────► scan(step) ────► Step { state, ready }
 *     completions$ ─┘  the event loop
 */
import { type Observable, merge, of, scan } from 'rxjs'
import { type Step, step } from '../../lib/step.js'
import type { Recording } from '../recorder/port.js'
import { type Fold, recorded } from './fold.js'
import { type Inputs, inbox } from './inbox.js'

/**
 * The steps of one member, `first` included. Cold, and to be subscribed once: a second subscription would fold from `first`
 * again, and a member that begins anew forgets its vote.
 *
 * `first` comes after the inputs are listened to, so that what it causes finds the inbox open. Errors when an input errors,
 * or with `StepFailed` when a step throws; completes with its inputs. `recording` sees each batch before it is folded.
 */
export const pipeline = (inputs: Inputs, first: Step, fold: Fold = step, recording?: Pick<Recording, 'record'>): Observable<Step> =>
  merge(inbox(inputs).pipe(scan(recorded(fold, recording), first)), of(first))
